import { BASE_IMAGES } from '../../tools/containers/base-images.js';
import { docker, image } from './support/compose.js';

describe('the images', () => {
  it.each([
    { target: 'api', megabytes: 200 },
    { target: 'worker', megabytes: 220 },
    { target: 'cli', megabytes: 40 },
  ])('add at most $megabytes MB to their base for $target', async ({ target, megabytes }) => {
    const sizes = await docker('image', 'inspect', '--format', '{{.Size}}', image(target), BASE_IMAGES.node);
    const [own = Infinity, base = 0] = sizes.split('\n').map(Number);
    expect((own - base) / 1e6).toBeLessThanOrEqual(megabytes);
  });

  it.each(['api', 'worker', 'cli', 'migrate'])(
    'hold no native code beside their base, so they serve any processor: %s',
    async (target) => {
      const found = ['run', '--rm', '--entrypoint', 'find', image(target), '/app', '-name', '*.node'];
      expect(await docker(...found)).toBe('');
    },
  );
});
