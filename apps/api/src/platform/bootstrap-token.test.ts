import { pino } from 'pino';
import { BootstrapToken } from './bootstrap-token.js';

const NEW = 'a-token-that-is-new';
const OLD = 'a-token-that-is-old';

/** The one row that all replicas share. */
class SharedRow {
  token: string | null = null;

  async ensure(token: string): Promise<{ readonly replaced: boolean }> {
    const replaced = this.token !== null && this.token !== token;
    this.token = token;
    return { replaced };
  }
}

function replicasOf(row: SharedRow) {
  const lines: { readonly level: number; readonly msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, start: (token: string) => new BootstrapToken(row, token, log) };
}

describe('the token of a replica', () => {
  it('is recognised before anything is stored, and no other is', () => {
    const replica = replicasOf(new SharedRow()).start(OLD);
    expect(replica.recognise(OLD)).toMatchObject({ id: 'bootstrap', name: 'bootstrap' });
    expect(replica.recognise(NEW)).toBeNull();
    expect(replica.recognise('')).toBeNull();
  });

  it('stays recognised when another replica starts with another one, which warns', async () => {
    const row = new SharedRow();
    const { lines, start } = replicasOf(row);
    const before = start(OLD);
    await before.ensure();
    expect(lines).toEqual([]);
    await start(NEW).ensure();
    expect(lines).toMatchObject([{ level: 40, msg: 'the replica that started before has another api token' }]);
    expect(JSON.stringify(lines)).not.toContain(NEW);
    await before.ensure();
    expect(before.recognise(OLD)).not.toBeNull();
    expect(row.token).toBe(NEW); // so that the older replicas accept it too
  });

  it('is neither stored nor recognised any more once every replica has a new one', async () => {
    const row = new SharedRow();
    const { start } = replicasOf(row);
    await start(OLD).ensure();
    const replicas = [start(NEW), start(NEW)];
    for (const replica of replicas) await replica.ensure();
    expect(replicas.map((replica) => replica.recognise(OLD))).toEqual([null, null]);
    expect(row.token).toBe(NEW);
  });
});
