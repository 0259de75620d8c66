import { createHash } from 'node:crypto';

/** How often a text must come before it is worth keeping. */
const WORTH_IT = 3;
/** Beyond these a text is planned each time: every connection keeps what is named until it is closed. */
const KEPT_AT_MOST = 200;
const COUNTED_AT_MOST = 2_000;
/** In PostgreSQL's protocol the empty name is that of the statement that is not kept. */
const UNNAMED = '';

/**
 * Names the statements that come again and again, so that PostgreSQL parses and plans each of them once a connection.
 * Planning is most of what a short statement costs: a transition takes a third of the time when it is prepared.
 */
export class PreparedStatements {
  private readonly names = new Map<string, string>();
  private readonly seen = new Map<string, number>();

  /** The name for this text, empty while it is not worth one. The same text keeps its name. */
  nameOf(sql: string): string {
    const known = this.names.get(sql);
    if (known !== undefined) return known;
    if (this.names.size >= KEPT_AT_MOST) return UNNAMED;
    const times = (this.seen.get(sql) ?? 0) + 1;
    if (times < WORTH_IT) {
      if (this.seen.size >= COUNTED_AT_MOST) this.seen.clear();
      this.seen.set(sql, times);
      return UNNAMED;
    }
    this.seen.delete(sql);
    const name = `ktrdr_${createHash('sha256').update(sql).digest('hex').slice(0, 40)}`;
    this.names.set(sql, name);
    return name;
  }
}
