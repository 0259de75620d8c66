import { readFile } from 'node:fs/promises';
import { CONFIGURATION_DOCUMENT, configurationPage } from './configuration.js';

describe('the page of the configuration', () => {
  it('is as the schemas have it (npm run build && node tools/dist/docs/configuration.js)', async () => {
    expect(await readFile(CONFIGURATION_DOCUMENT, 'utf8')).toBe(await configurationPage());
  });

  it('shows what is required, the default, the bounds and the choices', async () => {
    const page = await configurationPage({
      Program: {
        properties: {
          A: { type: 'string', description: 'an address' },
          B: { type: 'integer', minimum: 1, maximum: 64, default: 1, description: 'slots' },
          C: { type: 'number', minimum: 0.5, description: 'seconds' },
          D: { enum: ['allow', 'deny'], default: 'deny', description: 'a | b' },
        },
        required: ['A'],
      },
    });
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(
      rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim())).map((cells) => cells.slice(1, -1)),
    ).toEqual([
      ['`A`', 'required', '', 'an address'],
      ['`B`', '`1`', 'whole, 1 to 64', 'slots'],
      ['`C`', '–', 'from 0.5', 'seconds'],
      ['`D`', '`deny`', '`allow`, `deny`', 'a \\| b'],
    ]);
  });

  it('refuses a variable without a description', async () => {
    await expect(configurationPage({ Program: { properties: { A: { type: 'string' } } } })).rejects.toThrow(
      'A has no description',
    );
  });
});
