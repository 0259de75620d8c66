import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { inRepository, repositoryRoot } from '../repository.js';

const ROOMS = ['apps', 'bench', 'docker', 'docs', 'examples', 'libs', 'sdks', 'tests', 'tools'];

async function documents(): Promise<readonly string[]> {
  const found = ROOMS.filter((room) => existsSync(inRepository(room))).map((room) =>
    readdir(inRepository(room), { recursive: true }).then((names) => names.map((name) => join(room, name))),
  );
  const inRooms = (await Promise.all(found)).flat().filter((name) => !/(^|\/)(node_modules|dist)\//.test(name));
  return ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...inRooms.filter((name) => name.endsWith('.md'))];
}

const read = (path: string): Promise<string> => readFile(inRepository(path), 'utf8');

const withoutCode = (markdown: string): string => markdown.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`/g, '');

/** Names such as `KTRDR_NATS_URL`. */
const variables = (markdown: string): readonly string[] => markdown.match(/\bKTRDR_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];

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

  it('name no variable that no program reads', async () => {
    const known = new Set(variables(await read('docs/CONFIGURATION.md')));
    const paths = ['README.md', 'docs/TUTORIAL.md', 'docs/ARCHITECTURE.md', 'apps/api/README.md', 'apps/cli/README.md'];
    const unknown: string[] = [];
    for (const path of [...paths, 'apps/migrate/README.md', 'apps/training-worker/README.md']) {
      const missing = variables(await read(path)).filter((name) => !known.has(name));
      unknown.push(...missing.map((name) => `${path}: ${name}`));
    }
    expect(unknown).toEqual([]);
  });

  it('use commands that the command line has', async () => {
    const known = await commands();
    const unknown: string[] = [];
    for (const path of await documents()) {
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
