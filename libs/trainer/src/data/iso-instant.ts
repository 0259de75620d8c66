const ISO_INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?:Z|([+-])(\d{2}):?(\d{2}))?)?$/;

/**
 * Milliseconds since 1970 of `2020-04-17` or `2020-04-17T16:00:00Z`, or null where the text is neither or the calendar
 * has no such day. A time without an offset is UTC. Other notations are refused: 03/04/2020 is two different days.
 */
export function parseIsoInstant(text: string): number | null {
  const match = ISO_INSTANT.exec(text);
  if (!match) return null;
  const field = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [field(1), field(2), field(3), field(4), field(5), field(6)];
  const midnight = Date.UTC(year, month - 1, day);
  const date = new Date(midnight);
  const isOnCalendar = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isOnCalendar || hour > 23 || minute > 59 || second > 59) return null;
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (field(9) * 60 + field(10));
  return midnight + (hour * 3600 + (minute - offsetMinutes) * 60 + second) * 1000 + field(7) * 1000;
}
