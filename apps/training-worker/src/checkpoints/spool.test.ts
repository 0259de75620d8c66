import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spool } from './spool.js';

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the folder of a worker', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ktrdr-spool-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('is taken over by its successor when the worker is gone', async () => {
    const [first, second] = [new Spool(root), new Spool(root)];
    await first.open();
    const opened = second.open();
    first.close();
    expect(await opened).toEqual([]);
    second.close();
  });

  it('belongs to one worker at a time', async () => {
    const [first, second] = [new Spool(root), new Spool(root, 100)];
    await first.open();
    await expect(second.open()).rejects.toThrow(`Another worker uses the folder ${root}`);
    first.close();
  });

  it('is named, with what mends it, where it cannot be written', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(new Spool(join(file, 'spool')).open()).rejects.toThrow(/file\/spool .*chown -R .*KTRDR_WORKER_DIR/);
  });
});
