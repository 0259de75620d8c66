import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { inRepository } from '../repository.js';

/** How many faults each of the earlier systems has had. */
const KNOWN = { W0: 14, W1: 20, W2: 14, W3: 20, W4: 41 } as const;
const ROW = /^\| (W\d-\w+) +\|(.*)\|(.*)\|$/gm;
const TEST = /`([^`]+?) › ([^`]+)`/g;

const read = (path: string): Promise<string> => readFile(inRepository(path), 'utf8');

describe('the page of earlier faults', () => {
  let rows: readonly { readonly id: string; readonly shown: string }[];
  beforeAll(async () => {
    const page = await read('docs/PRIOR-FAULTS.md');
    rows = [...page.matchAll(ROW)].map(([, id = '', , shown = '']) => ({ id, shown }));
  });

  it('has every fault once', () => {
    const numbered = rows.map(({ id }) => id).filter((id) => !id.endsWith('later'));
    const expected = Object.entries(KNOWN).flatMap(([system, count]) =>
      Array.from({ length: count }, (_, index) => `${system}-${index + 1}`),
    );
    expect(numbered).toEqual(expected);
  });

  it('names a test for each, or says why there is none', () => {
    const unproven = rows.filter(({ shown }) => !TEST[Symbol.match](shown) && !/By design: |Not yet: /.test(shown));
    expect(unproven).toEqual([]);
  });

  it('names only tests that there are', async () => {
    const missing: string[] = [];
    for (const { id, shown } of rows) {
      for (const [, path = '', name = ''] of shown.matchAll(TEST)) {
        const source = existsSync(inRepository(path)) ? await read(path) : '';
        const quoted = [`'${name}'`, `\`${name}\``, `"${name}"`];
        if (!quoted.some((text) => source.includes(text))) missing.push(`${id}: ${path} › ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
