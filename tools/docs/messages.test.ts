import { type Route, ROUTES } from '@ktrdr/contracts';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { inRepository } from '#tools/repository.js';

/** Errors of the start, which name the setting and the command that writes it. */
const START_UP = ['apps/api/src/config.ts', 'apps/api/src/nats-keys.ts', 'apps/api/src/platform/messaging.ts'];
/** What is no message: descriptions of the schema, and statements of SQL. */
const NO_MESSAGE = /^(describe|meta|sql|Prisma\.sql|raw|Prisma\.raw|\$queryRawUnsafe|\$executeRawUnsafe)$/;

const routes: Route[] = Object.values(ROUTES).flatMap((resource) => Object.values(resource) as Route[]);
/** Of requests, those that no sentence has as words. */
const FIELDS = new Set(
  routes
    .flatMap(({ query, body }) => [query, body].flatMap((schema) => fieldsOf(schema)))
    .filter((name) => name.includes('_')),
);

function fieldsOf(schema: unknown): string[] {
  return schema !== null && typeof schema === 'object' && 'shape' in schema ? Object.keys(schema.shape as object) : [];
}

/** The sentences in a file: its strings with a space, whole where values stand in them. */
function sentencesOf(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isTaggedTemplateExpression(node) && NO_MESSAGE.test(node.tag.getText())) return;
    if (ts.isCallExpression(node) && NO_MESSAGE.test(calledName(node.expression))) return visit(node.expression);
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    if (ts.isTemplateExpression(node))
      found.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return found.filter((sentence) => sentence.includes(' ') && !SQL.test(sentence));
}

function calledName(callee: ts.Expression): string {
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
}

/** What an operator runs on the machine of a worker. */
const NPM = /\bnpm run [a-z:]+/;
const SQL = /\b(?:SELECT|AND|WHERE|FROM) [a-z]/;
const COMMAND = /\bktrdr (?:operations|checkpoints|workers|webhooks|events|login|nats-config|bulk)\b/;

/** What a sentence says in the words of one client alone. */
function clientWordsIn(sentence: string): string[] {
  const command = COMMAND.exec(sentence)?.[0];
  const fields = (sentence.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? []).filter((word) => FIELDS.has(word));
  const flags = NPM.test(sentence) ? [] : sentence.match(/(?<=^|[\s"'`(])--[a-z][a-z-]+/g);
  return [...(command ? [command] : []), ...fields, ...(flags ?? [])];
}

function productFiles(): string[] {
  const libs = readdirSync(inRepository('libs')).map((name) => `libs/${name}/src`);
  return [...libs, 'apps/api/src'].flatMap((folder) =>
    readdirSync(inRepository(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /(?<!\.test|\.d)\.ts$/.test(entry.name))
      .map((entry) => relative(inRepository('.'), join(entry.parentPath, entry.name)))
      .filter((path) => !/\/(testing|generated)\//.test(path) && !START_UP.includes(path)),
  );
}

describe('a message of a library or of the API', () => {
  it('names no command of the CLI, no flag and no field of a request', () => {
    const found = productFiles().flatMap((path) =>
      sentencesOf(path, readFileSync(inRepository(path), 'utf8')).flatMap((sentence) =>
        clientWordsIn(sentence).map((word) => `${path}: ${word} in "${sentence}"`),
      ),
    );
    expect(found).toEqual([]);
  });

  it.each([
    ['const a = `resume it: ktrdr operations resume ${id}`;', ['ktrdr operations']],
    ["throw new E('resume it with --allow-fallback');", ['--allow-fallback']],
    ["throw new E('set allow_backend_change to go on');", ['allow_backend_change']],
    ["z.string().describe('what allow_fallback allows');", []],
    ["throw new E('another backend is allowed');", []],
  ])('is judged by its words: %s', (code, words) => {
    expect(sentencesOf('x.ts', code).flatMap(clientWordsIn)).toEqual(words);
  });
});
