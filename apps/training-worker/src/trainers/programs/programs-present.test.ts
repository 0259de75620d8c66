import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkerConfigurationError } from '../../config.js';
import { assertProgramsPresent } from './programs-present.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-present-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What was warned of when the worker starts with this list. */
async function started(...programs: string[]): Promise<unknown[]> {
  const warnings: unknown[] = [];
  const settings = { programs, programDir: folder, passedVariables: [], env: { PATH: '/nowhere' } };
  await assertProgramsPresent(settings, { warn: (fields: unknown) => void warnings.push(fields) } as never);
  return warnings;
}

describe('the list of programs', () => {
  it('is refused when nothing of it is there, with each that is missing', async () => {
    const starting = started('pyhton3', join(folder, 'none'), 'scripts/run');
    await expect(starting).rejects.toThrow(WorkerConfigurationError);
    await expect(starting).rejects.toThrow(
      `KTRDR_PROCESS_PROGRAMS names nothing that is on this machine: no program pyhton3 is on the PATH, ` +
        `${join(folder, 'none')} is neither a program nor a folder, scripts/run is no program (of a folder say the whole path)`,
    );
  });

  it('is not said to miss a folder that is there, but under no whole path', async () => {
    await mkdir(join(folder, 'trainers'), { recursive: true });
    await expect(started('./trainers')).rejects.toThrow('./trainers is no program (of a folder say the whole path)');
  });

  it('may name what is not there yet beside what is, which is told', async () => {
    expect(await started(process.execPath, 'pyhton3')).toEqual([{ programs: ['pyhton3'] }]);
  });

  it.each([['*'], [process.execPath], [tmpdir()]])('is accepted with %s', async (entry) => {
    expect(await started(entry)).toEqual([]);
  });

  it('is nothing where operations may not bring programs', async () => {
    await assertProgramsPresent(null, { warn: () => expect('a warning').toBeNull() } as never);
  });
});
