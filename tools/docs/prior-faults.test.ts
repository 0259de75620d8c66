import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { inRepository } from '../repository.js';

/** How many faults each of the earlier systems has had. */
const KNOWN = { W0: 14, W1: 20, W2: 14, W3: 20, W4: 41 } as const;
const LINE = /^- \*\*(W\d-\w+)\*\* (.*)$/gm;
const TEST = /`([^`/]+?\.ts) › ([^`]+)`/g;

/** The sources of all files of a name, wherever they are. */
async function sourcesByName(): Promise<ReadonlyMap<string, string>> {
  const sources = new Map<string, string>();
  for (const room of ['apps', 'libs', 'tools', 'bench', 'tests']) {
    const paths = (await readdir(inRepository(room), { recursive: true })).filter(
      (path) => path.endsWith('.ts') && !/(^|\/)(node_modules|dist)\//.test(path),
    );
    for (const path of paths) {
      const source = await readFile(inRepository(room, path), 'utf8');
      sources.set(basename(path), `${sources.get(basename(path)) ?? ''}\n${source}`);
    }
  }
  return sources;
}

describe('the index of earlier faults', () => {
  let lines: readonly { readonly id: string; readonly shown: string }[];
  beforeAll(async () => {
    const page = await readFile(inRepository('tests', 'PRIOR-FAULTS.md'), 'utf8');
    lines = [...page.matchAll(LINE)].map(([, id = '', shown = '']) => ({ id, shown }));
  });

  it('has every fault once', () => {
    const numbered = lines.map(({ id }) => id).filter((id) => !id.endsWith('later'));
    const expected = Object.entries(KNOWN).flatMap(([system, count]) =>
      Array.from({ length: count }, (_, index) => `${system}-${index + 1}`),
    );
    expect(numbered).toEqual(expected);
  });

  it('names a test for each, or says why there is none', () => {
    const unproven = lines.filter(({ shown }) => !TEST[Symbol.match](shown) && !/By design: |Not yet: /.test(shown));
    expect(unproven).toEqual([]);
  });

  it('names only tests that there are', async () => {
    const sources = await sourcesByName();
    const missing: string[] = [];
    for (const { id, shown } of lines) {
      for (const [, file = '', name = ''] of shown.matchAll(TEST)) {
        const quoted = [`'${name}'`, `\`${name}\``, `"${name}"`];
        if (!quoted.some((text) => sources.get(file)?.includes(text))) missing.push(`${id}: ${file} › ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
