import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { MigrationAdapterFactory } from './migration-adapter.js';

/** The little of it that is needed here; Node's types leave it to the browser's. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

/** The bindings that the package's own entry would wire up, were a `.wasm` file importable. */
type EngineBindings = Readonly<{
  __wbg_set_wasm(exports: object): void;
  SchemaEngine: Pick<typeof SchemaEngine, 'new'>;
}>;

const BINDINGS = '@prisma/schema-engine-wasm/schema_engine_bg';

let loaded: Promise<EngineBindings> | undefined;

/** Where the engine writes its last words before it traps. */
const lastWords = {
  message: '',
  set_message(text: string) {
    this.message = text;
  },
};

type Binding = (...args: readonly unknown[]) => unknown;

/** The engine gives its lock ten seconds and forgets that timer once it has it; it must not hold the process up. */
function withoutHeldTimers(bindings: object): object {
  const release = (bind: Binding): Binding => {
    return (...args) => {
      const timer = bind(...args);
      (timer as NodeJS.Timeout).unref();
      return timer;
    };
  };
  return Object.fromEntries(
    Object.entries(bindings).map(([name, value]) => [
      name,
      name.startsWith('__wbg_setTimeout') ? release(value as Binding) : (value as unknown),
    ]),
  );
}

async function loadBindings(): Promise<EngineBindings> {
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: lastWords });
  const bindings = (await import(BINDINGS)) as EngineBindings;
  const path = createRequire(import.meta.url)
    .resolve(BINDINGS)
    .replace(/\.js$/, '.wasm');
  const { instance } = await WebAssembly.instantiate(await readFile(path), {
    './schema_engine_bg.js': withoutHeldTimers(bindings),
  });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
  return bindings;
}

/** Prisma's schema engine as WebAssembly: what `prisma migrate` does, without a binary to download. */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  work: (engine: SchemaEngine) => Promise<T>,
  schema?: string,
): Promise<T> {
  const { SchemaEngine: Engine } = await (loaded ??= loadBindings());
  const adapters = new MigrationAdapterFactory(databaseUrl);
  const datamodels: [string, string][] | undefined = schema === undefined ? undefined : [['schema.prisma', schema]];
  try {
    const factory = bindMigrationAwareSqlAdapterFactory(adapters);
    const engine = await Engine.new({ datamodels }, () => undefined, factory);
    try {
      return await work(engine);
    } catch (cause) {
      if (lastWords.message === '') throw cause;
      throw new Error(`The schema engine stopped: ${lastWords.message}`, { cause });
    }
  } finally {
    await adapters.close();
  }
}
