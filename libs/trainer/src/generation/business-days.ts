const DAY_MS = 86_400_000;
/** The last Friday that a date of four digits a year can name. */
const LAST_DAY = Date.UTC(9999, 11, 31) / DAY_MS;

/** Monday to Friday, without holidays, from the first such day on or after `start`. */
export class BusinessDays {
  /** The Monday of the first day's week, in days since 1970. */
  private readonly monday: number;
  /** The first day's place in its week; Monday is 0. */
  private readonly offset: number;

  /** @param start an ISO date. */
  constructor(start: string) {
    const day = Date.parse(start) / DAY_MS;
    const sinceMonday = (new Date(day * DAY_MS).getUTCDay() + 6) % 7;
    this.monday = sinceMonday > 4 ? day - sinceMonday + 7 : day - sinceMonday;
    this.offset = sinceMonday > 4 ? 0 : sinceMonday;
  }

  /** How many there are until dates need more than four digits for the year. */
  get count(): number {
    return Math.max(0, ((LAST_DAY - 4 - this.monday) / 7) * 5 + 5 - this.offset);
  }

  /** As ISO date; `index` from 0. */
  date(index: number): string {
    const place = this.offset + index;
    const day = this.monday + Math.floor(place / 5) * 7 + (place % 5);
    return new Date(day * DAY_MS).toISOString().slice(0, 10);
  }
}
