import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { choosePorts, layOut } from './place.js';
import type { Place } from './place.js';

describe('the ports of a stack', () => {
  let place: Place;
  let other: Server;
  let taken: number;
  const told: string[] = [];
  const tell = (line: string): void => void told.push(line);

  beforeEach(async () => {
    told.length = 0;
    place = await layOut(await mkdtemp(join(tmpdir(), 'ktrdr-place-')));
    other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    taken = (other.address() as AddressInfo).port;
  });
  afterEach(async () => {
    other.close();
    await rm(place.dataDir, { recursive: true });
  });

  const lastTime = (api: number): Promise<void> =>
    writeFile(join(place.dataDir, 'ports.json'), JSON.stringify({ api }));

  it('are those of last time, without a word', async () => {
    const port = await freePort();
    await lastTime(port);
    expect(await choosePorts(place, 0, tell)).toMatchObject({ api: port });
    expect(told).toEqual([]);
  });

  it('are others where those are in use; of the API that is told', async () => {
    await lastTime(taken);
    const { api } = await choosePorts(place, 0, tell);
    expect(api).not.toBe(taken);
    expect(told).toEqual([`port ${taken} is in use; the API is at ${api}`]);
  });

  it('are refused where one was asked for that is in use', async () => {
    await expect(choosePorts(place, taken, tell)).rejects.toThrow(`Port ${taken} is in use.`);
  });
});
