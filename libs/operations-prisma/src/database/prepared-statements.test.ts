import { PreparedStatements } from './prepared-statements.js';

function ask(statements: PreparedStatements, sql: string, times: number) {
  return Array.from({ length: times }, () => statements.nameOf(sql));
}

describe('PreparedStatements', () => {
  it('names a text once it has come three times, and then always the same', () => {
    const [first, second, third, fourth] = ask(new PreparedStatements(), 'SELECT 1', 4);
    expect([first, second]).toEqual(['', '']);
    expect(third).toMatch(/^ktrdr_[0-9a-f]{40}$/);
    expect(fourth).toBe(third);
  });

  it('gives different texts different names, short enough for PostgreSQL', () => {
    const statements = new PreparedStatements();
    const names = ['SELECT 1', 'SELECT 2'].map((sql) => ask(statements, sql, 3).at(-1));
    expect(new Set(names).size).toBe(2);
    expect(names.every((name = '') => name !== '' && name.length <= 63)).toBe(true);
  });

  it('keeps 200 at most, and those for good', () => {
    const statements = new PreparedStatements();
    const texts = Array.from({ length: 300 }, (_, n) => `SELECT ${n}`);
    const names = texts.map((sql) => ask(statements, sql, 3).at(-1));
    expect(names.filter(Boolean)).toHaveLength(200);
    expect(statements.nameOf('SELECT 0')).toBe(names[0]);
  });

  it('does not remember texts that come once without end', () => {
    const statements = new PreparedStatements();
    for (let n = 0; n < 10_000; n += 1) statements.nameOf(`SELECT ${n}`);
    expect(ask(statements, 'SELECT 1, 2', 3).at(-1)).toMatch(/^ktrdr_/);
  });
});
