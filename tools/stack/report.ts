import type { StackReport } from './stack.js';

const NAME_WIDTH = 14;
const LINE_WIDTH = 48;

/** Lines for a terminal or a log: each step once it is done, with what came of it and how long it took. */
export function printingReport(print: (line: string) => void): StackReport {
  return {
    line: (text) => print(`  ${text}`),
    async during(what, work, result) {
      const startedAt = performance.now();
      const stillAtIt = setInterval(() => {
        print(`  ${what} … ${Math.round((performance.now() - startedAt) / 1000)} s`);
      }, 5_000);
      try {
        const value = await work();
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        const told = `${what.padEnd(NAME_WIDTH)} ${result?.(value) ?? ''}`;
        print(`  ${told.padEnd(LINE_WIDTH)} ${seconds} s`);
        return value;
      } finally {
        clearInterval(stillAtIt);
      }
    },
  };
}
