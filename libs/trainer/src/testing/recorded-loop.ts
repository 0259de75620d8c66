import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { TrainerEvent } from '@ktrdr/contracts';
import { ControlQueue } from '../control-queue.js';
import type { LoopPorts } from '../training-loop.js';

type EventOf<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;

/** The ports of a loop, on a real folder, with everything that was told. */
export interface RecordedLoop extends LoopPorts {
  readonly events: readonly TrainerEvent[];
  /** Events of one type. */
  told<T extends TrainerEvent['type']>(type: T): EventOf<T>[];
  /** Called at each event, when the loop is not between two steps. */
  react(listener: (event: TrainerEvent, requests: ControlQueue) => void): void;
  remove(): Promise<void>;
}

export async function recordLoop(): Promise<RecordedLoop> {
  const spoolDir = await mkdtemp(join(tmpdir(), 'ktrdr-spool-'));
  const events: TrainerEvent[] = [];
  const requests = new ControlQueue();
  let listener: (event: TrainerEvent, requests: ControlQueue) => void = () => undefined;
  return {
    spoolDir,
    events,
    requests,
    emit: (event) => {
      events.push(event);
      listener(event, requests);
    },
    now: () => performance.now(),
    reach: () => Promise.resolve(),
    yieldToEventLoop: () => setImmediate(),
    pause: () => setImmediate(),
    told: <T extends TrainerEvent['type']>(type: T) =>
      events.filter((event): event is EventOf<T> => event.type === type),
    react: (next) => {
      listener = next;
    },
    remove: () => rm(spoolDir, { recursive: true, force: true }),
  };
}
