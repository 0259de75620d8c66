import { fileURLToPath } from 'node:url';
import type { TestServices } from '../../../tools/test-services/test-services.js';

declare global {
  var ktrdrTestServices: TestServices | undefined;
}

/** Jest runs this file outside its module system, so it takes the compiled tools. */
const COMPILED = fileURLToPath(new URL('../../../tools/dist/test-services/test-services.js', import.meta.url));

type Tools = { openTestServices(report: (line: string) => void): Promise<TestServices> };

/** Starts the services that the integration tests share; each test file then makes what is its own. */
export default async function globalSetup(): Promise<void> {
  const { openTestServices } = (await import(COMPILED).catch((cause: unknown) => {
    throw new Error(`The compiled tools cannot be loaded (npm run build makes them): ${String(cause)}`, { cause });
  })) as Tools;
  const services = await openTestServices((line) => process.stderr.write(`${line}\n`));
  globalThis.ktrdrTestServices = services;
  Object.assign(process.env, services.environment);
  process.stderr.write(`${services.summary}\n`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      services.killNow();
      process.exit(130);
    });
  }
}
