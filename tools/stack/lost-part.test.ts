import { afterLossOf } from './lost-part.js';

const part = (name: string, hasEnded = false) => ({ name, hasExited: () => hasEnded });

describe('what is said of a part that ended unexpectedly', () => {
  const [w1, w2] = [part('worker w1', true), part('worker w2')] as const;

  it('is where the work of a worker goes on, and how to have the worker back', () => {
    expect(afterLossOf(w1, [w1, w2])).toBe(
      'It is not restarted; worker w2 takes over what it ran. ' +
        'Ctrl+C and the same command again bring worker w1 back; everything is kept.',
    );
  });

  it('is that operations wait when no worker is left', () => {
    expect(afterLossOf(w1, [w1, part('worker w2', true)])).toContain('no other worker is left');
  });

  it('is less for what is no worker', () => {
    expect(afterLossOf(part('NATS', true), [w1, w2])).toMatch(/^It is not restarted\. Ctrl\+C .* bring NATS back/);
  });
});
