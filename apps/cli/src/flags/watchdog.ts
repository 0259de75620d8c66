import type { SubmitBody } from '@ktrdr/contracts';
import { STALL_POLICIES } from '@ktrdr/operations/model';
import { UsageError } from '../errors/errors.js';

type Watchdog = NonNullable<SubmitBody['watchdog']>;

/** `600`, `600:pause` or `off`. @throws {UsageError} */
export function parseWatchdog(text: string): Watchdog | null {
  if (text === 'off') return null;
  const [, seconds, policy] = /^(\d+(?:\.\d+)?)(?::(\w+))?$/.exec(text) ?? [];
  const onStall = STALL_POLICIES.find((candidate) => candidate === (policy ?? 'warn'));
  if (seconds === undefined || !onStall) {
    throw new UsageError(`--watchdog ${text} is not SECONDS[:${STALL_POLICIES.join('|')}] or off`);
  }
  return { seconds: Number(seconds), on_stall: onStall };
}
