import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { inRepository, repositoryRoot } from '../repository.js';

const ROOMS = ['apps', 'bench', 'docker', 'docs', 'examples', 'libs', 'tools'];

async function documents(): Promise<readonly string[]> {
  const found = ROOMS.filter((room) => existsSync(inRepository(room))).map((room) =>
    readdir(inRepository(room), { recursive: true }).then((names) => names.map((name) => join(room, name))),
  );
  const inRooms = (await Promise.all(found)).flat().filter((name) => !/(^|\/)(node_modules|dist)\//.test(name));
  return ['README.md', 'CHANGELOG.md', ...inRooms.filter((name) => name.endsWith('.md'))];
}

const read = (path: string): Promise<string> => readFile(inRepository(path), 'utf8');

const withoutCode = (markdown: string): string => markdown.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`/g, '');

/** Names in the first column of tables, such as `KTRDR_NATS_URL`. */
function tabledVariables(markdown: string): readonly string[] {
  const rows = markdown.split('\n').flatMap((line) => /^\| (`[A-Z][^|]*)\|/.exec(line)?.[1] ?? []);
  return rows.flatMap((cell) => cell.match(/[A-Z][A-Z0-9_]+/g) ?? []).toSorted();
}

/** Keys of the app's environment schema. */
async function readVariables(app: string): Promise<readonly string[]> {
  const source = await read(`apps/${app}/src/config.ts`);
  return [...source.matchAll(/^ {2,4}([A-Z][A-Z0-9_]+):/gm)].flatMap(([, name]) => name ?? []).toSorted();
}

/** Ids of the CLI's commands: `operations resume` for commands/operations/resume.ts. */
async function commands(): Promise<ReadonlySet<string>> {
  const folder = inRepository('apps', 'cli', 'src', 'commands');
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  return new Set(files.map((name) => name.replace(/(\/index)?\.ts$/, '').replaceAll('/', ' ')));
}

describe('the documents', () => {
  it('link to files that exist', async () => {
    const broken: string[] = [];
    for (const path of await documents()) {
      for (const [, target = ''] of withoutCode(await read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
        const [file = ''] = target.split('#');
        if (/^[a-z]+:/.test(target) || file === '') continue;
        const found = join(dirname(inRepository(path)), file);
        if (!existsSync(found)) broken.push(`${path}: ${relative(repositoryRoot, found)}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it.each(['api', 'training-worker'])('explain every variable of %s and no other', async (app) => {
    const tabled = tabledVariables(await read(`apps/${app}/README.md`));
    expect(tabled).toEqual(await readVariables(app));
    expect(tabledVariables(await read('README.md'))).toEqual(expect.arrayContaining([...tabled]));
  });

  it('use commands that the command line has', async () => {
    const known = await commands();
    const unknown: string[] = [];
    for (const path of ['README.md', 'docs/ARCHITECTURE.md', 'apps/cli/README.md', 'examples/strategies/README.md']) {
      for (const [, topic = '', verb = ''] of (await read(path)).matchAll(
        /(?:\$|npx|`) ?ktrdr (operations|checkpoints|workers|login)(?: ([a-z]+)\b(?!_))?/g,
      )) {
        const command = `${topic} ${verb}`.trim();
        if (!known.has(command) && !known.has(topic)) unknown.push(`${path}: ktrdr ${command}`);
        if (verb !== '' && !known.has(command)) unknown.push(`${path}: ktrdr ${command}`);
      }
    }
    expect(unknown).toEqual([]);
  });
});
