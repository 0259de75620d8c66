import type { TrainerControl } from '@ktrdr/contracts';
import { inPlainWords } from '@ktrdr/specs';
import type { z } from 'zod';
import { SpecInvalidError, type TrainerProtocolError } from './errors.js';

export type StartControl = Extract<TrainerControl, { type: 'start' }>;
export type StopControl = Extract<TrainerControl, { type: 'stop' }>;
export type SaveRequest = NonNullable<StopControl['save']>;

/** What the supervisor wants and has not been given yet. Filled at any time, read between two steps. */
export class ControlQueue {
  private readonly saves: SaveRequest[] = [];
  private readonly settled: string[] = [];
  private pendingStop: StopControl | null = null;
  private broken: Error | null = null;

  /** The stop to obey; a newer one replaces it, `continue` withdraws it. */
  get stop(): StopControl | null {
    return this.pendingStop;
  }

  push(control: Exclude<TrainerControl, StartControl>): void {
    switch (control.type) {
      case 'save':
        this.saves.push({ request_id: control.request_id, kind: control.kind });
        break;
      case 'stop':
        this.pendingStop = control;
        break;
      case 'continue':
        this.pendingStop = null;
        break;
      case 'settled':
        this.settled.push(control.request_id);
        break;
    }
  }

  /** The channel can no longer be understood: every later read throws. */
  fail(error: TrainerProtocolError): void {
    this.broken ??= error;
  }

  /** @throws {TrainerProtocolError} after {@link fail}. */
  check(): void {
    if (this.broken) throw this.broken;
  }

  takeSaves(): readonly SaveRequest[] {
    this.check();
    return this.saves.splice(0);
  }

  takeSettled(): readonly string[] {
    return this.settled.splice(0);
  }

  /** Gives a stop up, unless a newer one has taken its place. */
  dropStop(stop: StopControl): void {
    if (this.pendingStop === stop) this.pendingStop = null;
  }
}

/**
 * The document with its defaults filled in.
 * @throws {SpecInvalidError} naming everything that is wrong.
 */
export function parseSpec<T>(schema: z.ZodType<T>, document: unknown): T {
  const parsed = schema.safeParse(document, { error: inPlainWords });
  if (parsed.success) return parsed.data;
  throw new SpecInvalidError(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
}
