import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CLI = join(import.meta.dirname, '..', '..');
const BIN = join(CLI, 'bin', 'run.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly cwd?: string;
  /** The command that runs it, such as one that gives it a terminal; empty: none. */
  readonly under?: readonly string[];
}

/** The real command in a process of its own, with an empty home. */
export class KtrdrProcess {
  stdout = '';
  stderr = '';
  private readonly waiting = new Set<() => void>();
  private readonly ended: Promise<Finished>;

  constructor(
    readonly child: ChildProcess,
    home: string,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.add('stdout', text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.add('stderr', text));
    this.ended = once(child, 'close').then(async ([code]) => {
      await rm(home, { recursive: true });
      return { code: code as number | null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Resolves when standard output, or the other stream, contains the text. */
  async prints(text: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    while (!this[stream].includes(text)) {
      const progress = new Promise<'more'>((resolve) => this.waiting.add(() => resolve('more')));
      const outcome = await Promise.race([progress, this.ended]);
      if (outcome !== 'more' && !this[stream].includes(text)) {
        throw new Error(`It ended without printing ${JSON.stringify(text)}: ${JSON.stringify(outcome)}`);
      }
    }
  }

  finished(): Promise<Finished> {
    return this.ended;
  }

  private add(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

export async function startKtrdr(args: readonly string[], surroundings: Surroundings = {}): Promise<KtrdrProcess> {
  await assertBuilt();
  const home = await mkdtemp(join(tmpdir(), 'ktrdr-cli-'));
  const { PATH = '' } = process.env;
  const [program = '', ...words] = [...(surroundings.under ?? []), process.execPath, BIN, ...args];
  const child = spawn(program, words, {
    cwd: surroundings.cwd ?? home,
    env: { PATH, HOME: home, XDG_CONFIG_HOME: home, NODE_ENV: 'production', ...surroundings.env },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => undefined); // a command that does not read its input may be gone before it is written
  child.stdin.end(surroundings.stdin ?? '');
  return new KtrdrProcess(child, home);
}

export async function ktrdr(args: readonly string[], surroundings: Surroundings = {}): Promise<Finished> {
  return (await startKtrdr(args, surroundings)).finished();
}

let built: Promise<void> | null = null;

/** A test of yesterday's build would prove nothing. */
function assertBuilt(): Promise<void> {
  built ??= check();
  return built;
}

async function check(): Promise<void> {
  const sources = await readdir(join(CLI, 'src'), { recursive: true });
  const built = sources.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  await Promise.all(built.map(assertFresh));
}

async function assertFresh(name: string): Promise<void> {
  const map = await readFile(join(CLI, 'dist', name.replace(/\.ts$/, '.js.map')), 'utf8').catch(() => '{}');
  const { sourcesContent } = JSON.parse(map) as { sourcesContent?: readonly string[] };
  if (sourcesContent?.[0] === (await readFile(join(CLI, 'src', name), 'utf8'))) return;
  throw new Error(`apps/cli is not built, or ${name} was changed since: run "npm run build"`);
}
