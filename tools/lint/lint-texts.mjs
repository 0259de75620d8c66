// Lints texts as if they were the files named, and prints the rules that complain. A process of its own: ESLint's
// configuration needs the project graph, which does not load inside a test runner's sandbox.
// stdin: [{ "file": "libs/x/src/index.ts", "text": "…" }]   stdout: [["rule", …], …]
import { ESLint } from 'eslint';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

const root = join(import.meta.dirname, '..', '..');
const eslint = new ESLint({ cwd: root });
const found = [];
for (const { file, text } of await json(process.stdin)) {
  const [result] = await eslint.lintText(text, { filePath: join(root, file) });
  found.push((result?.messages ?? []).map(({ ruleId, message }) => `${ruleId}: ${message.split('\n')[0]}`));
}
process.stdout.write(JSON.stringify(found));
