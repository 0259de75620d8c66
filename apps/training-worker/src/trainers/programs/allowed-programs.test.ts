import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AllowedPrograms } from './allowed-programs.js';
import { TrainerNotAllowedError, TrainerNotFoundError } from './errors.js';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'ktrdr-programs-')));
  for (const place of ['bin', 'mine', 'mine/deep', 'mine-too']) await mkdir(join(folder, place));
  for (const file of ['bin/tool', 'bin/other', 'mine/train', 'mine/deep/train', 'mine-too/train', 'mine/data']) {
    await writeFile(join(folder, file), '#!/bin/sh\n');
    if (file !== 'mine/data') await chmod(join(folder, file), 0o755);
  }
  await symlink(join(folder, 'bin/other'), join(folder, 'mine/linked'));
  await symlink(join(folder, 'mine'), join(folder, 'alias'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function locate(program: string, ...allowed: string[]): Promise<string> {
  const places = allowed.map((entry) => entry.replace('~', folder));
  const searchPath = `relative:${join(folder, 'bin')}`;
  return new AllowedPrograms({ allowed: places, searchPath, folder }).locate(program.replace('~', folder));
}

describe('a program', () => {
  it.each([
    ['tool', 'tool', 'bin/tool'],
    ['tool', '~/bin/tool', 'bin/tool'],
    ['tool', '~/bin', 'bin/tool'],
    ['tool', '~/bin/', 'bin/tool'],
    ['~/mine/deep/train', '~/mine', 'mine/deep/train'],
    ['mine/train', '~/mine', 'mine/train'],
    ['~/mine/linked', '~/mine', 'mine/linked'],
    ['~/alias/train', '~/mine', 'mine/train'],
    ['~/mine/train', '~/alias', 'mine/train'],
    ['~/bin/other', '*', 'bin/other'],
  ])('%s may be run where %s is allowed', async (program, entry, path) => {
    expect(await locate(program, '~/unrelated', entry)).toBe(join(folder, path));
  });

  it.each([
    ['other', 'tool'],
    ['~/mine/../bin/tool', '~/mine'],
    ['~/mine-too/train', '~/mine'],
    ['~/bin/other', '~/mine'],
    ['/bin/sh', '~/bin'],
    ['tool', 'bin'],
  ])('%s may not be run where %s is allowed', async (program, entry) => {
    await expect(locate(program, entry)).rejects.toThrow(TrainerNotAllowedError);
  });

  it.each(['nowhere', '~/mine/data', '~/mine', '~/mine/none'])('%s is not there', async (program) => {
    await expect(locate(program, '*')).rejects.toThrow(TrainerNotFoundError);
  });
});
