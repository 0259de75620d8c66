import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { inRepository } from '../../../tools/repository.js';

type Planted = Readonly<{ file: string; text: string }>;

/** Rules that complain about each text, were it the content of that (existing) file. */
async function lint(planted: readonly Planted[]): Promise<readonly (readonly string[])[]> {
  const { NODE_OPTIONS: _ours, ...env } = process.env;
  const child = spawn(process.execPath, [inRepository('tools', 'lint', 'lint-texts.mjs')], { env });
  child.stdin.end(JSON.stringify(planted));
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as readonly (readonly string[])[];
}

const BOUNDARIES = '@nx/enforce-module-boundaries';
const DOMAIN = 'libs/operations/src/index.ts';

const FORBIDDEN: readonly (Planted & { readonly what: string; readonly rule: string })[] = [
  {
    what: 'a framework in the domain',
    file: DOMAIN,
    text: "import { Injectable } from '@nestjs/common';\nexport const x = Injectable;\n",
    rule: BOUNDARIES,
  },
  {
    what: 'a driver in the domain',
    file: 'libs/errors/src/index.ts',
    text: "import { PrismaClient } from '@prisma/client';\nexport const x = PrismaClient;\n",
    rule: BOUNDARIES,
  },
  {
    what: 'an adapter in the domain',
    file: DOMAIN,
    text: "import { PrismaOperationStore } from '@ktrdr/operations-prisma';\nexport const x = PrismaOperationStore;\n",
    rule: BOUNDARIES,
  },
  {
    what: 'a relative path into another project',
    file: DOMAIN,
    text: "import { DomainError } from '../../../errors/src/domain-error.js';\nexport const x = DomainError;\n",
    rule: BOUNDARIES,
  },
  {
    what: 'the training engine in the API',
    file: 'apps/api/src/config.ts',
    text: "import { train } from '@ktrdr/trainer';\nexport const x = train;\n",
    rule: BOUNDARIES,
  },
  {
    what: 'NATS in the command line',
    file: 'apps/cli/src/main.ts',
    text: "import { connect } from '@nats-io/transport-node';\nexport const x = connect;\n",
    rule: BOUNDARIES,
  },
  {
    what: 'the environment outside config.ts',
    file: DOMAIN,
    text: "export const x = process.env['HOME'];\n",
    rule: 'no-restricted-syntax',
  },
  { what: 'the console in a lib', file: DOMAIN, text: 'console.log(1);\nexport {};\n', rule: 'no-console' },
  {
    what: 'a promise that nobody waits for',
    file: DOMAIN,
    text: 'Promise.resolve();\nexport {};\n',
    rule: '@typescript-eslint/no-floating-promises',
  },
  {
    what: 'a switch that forgets a case',
    file: DOMAIN,
    text: "export function f(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n      return;\n  }\n}\n",
    rule: '@typescript-eslint/switch-exhaustiveness-check',
  },
  {
    what: 'any',
    file: DOMAIN,
    text: 'export const x: any = 1;\n',
    rule: '@typescript-eslint/no-explicit-any',
  },
  {
    what: 'a file of more than 400 lines',
    file: DOMAIN,
    text: `export const x = 1;\n${'export {};\n'.repeat(401)}`,
    rule: 'size/no-huge-file',
  },
];

describe('the lint rules', () => {
  let found: readonly (readonly string[])[];

  beforeAll(async () => {
    const text = await readFile(inRepository(DOMAIN), 'utf8');
    found = await lint([...FORBIDDEN, { file: DOMAIN, text }]);
  });

  it.each(FORBIDDEN.map(({ what, rule }, index) => ({ what, rule, index })))('refuse $what', ({ rule, index }) => {
    expect(found[index]).toContainEqual(expect.stringMatching(new RegExp(`^${rule}: `)));
  });

  it('let the domain as it is pass', () => {
    expect(found.at(-1)).toEqual([]);
  });
});
