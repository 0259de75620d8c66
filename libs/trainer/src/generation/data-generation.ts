import { join } from 'node:path';
import { DataGenerationSpec } from '@ktrdr/specs';
import { parseSpec, type SaveRequest, type StartControl } from '../control-queue.js';
import { SpecInvalidError } from '../errors.js';
import { ProgressMeter } from '../progress-meter.js';
import type { LoopOutcome, LoopPorts } from '../training-loop.js';
import { BusinessDays } from './business-days.js';
import { GrowingFile } from './growing-file.js';
import { PricePath } from './price-path.js';

/** What counts as one step; a stop takes effect within one. */
const ROWS_PER_STEP = 1_000;
const FILE = 'prices.csv';
/** With a rate, rows come in this many portions a second, and nothing waits for longer than one of these. */
const PORTIONS_PER_SECOND = 10;
const LONGEST_WAIT_MS = 50;

/** What a completed operation answers with; the same for the same spec. */
interface DataGenerationResult {
  readonly rows: number;
  /** Of the final checkpoint's `prices.csv`. */
  readonly prices_sha256: string;
  readonly first_date: string;
  readonly last_date: string;
  readonly bytes: number;
}

type Ports = Omit<LoopPorts, 'spoolDir' | 'reach'>;

/**
 * Writes the series that a {@link DataGenerationSpec} describes and hands it over as the final save. There are no other
 * saves: the numbers are a function of the spec, so an operation that was interrupted starts over.
 * @throws {SpecInvalidError} @throws {CheckpointWriteError} when the disk does not take the file.
 */
export async function generateData(start: StartControl, ports: Ports): Promise<LoopOutcome> {
  const spec = parseSpec(DataGenerationSpec, start.spec);
  const days = new BusinessDays(spec.start_date);
  if (days.count < spec.rows) {
    const message = `${spec.rows} business days from ${spec.start_date} end after the year 9999; at most ${days.count} fit`;
    throw new SpecInvalidError([{ path: 'rows', message }]);
  }
  const steps = stepAt(spec.rows, spec.rows);
  const dir = join(start.spool_dir, `000001-final-${steps}`);
  const file = await GrowingFile.create(dir, FILE);
  try {
    announce(start, steps, ports);
    if (!(await write(spec, days, file, ports))) {
      await file.discard();
      return 'stopped';
    }
    const prices_sha256 = await file.finish();
    const at = { step: steps, epoch: 1 };
    const request = { request_id: `final-${start.attempt}-0`, kind: 'final' as const };
    ports.emit({ type: 'saved', ...request, ...at, dir, files: [FILE], stall_ms: 0, metrics: {}, best: null });
    const dates = { first_date: days.date(0), last_date: days.date(spec.rows - 1) };
    const result: DataGenerationResult = { rows: spec.rows, prices_sha256, ...dates, bytes: file.bytes };
    ports.emit({ type: 'completed', ...at, result: { ...result } });
    return 'completed';
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function announce(start: StartControl, steps: number, { emit }: Ports): void {
  emit({
    type: 'started',
    step: 0,
    epoch: 0,
    steps,
    epochs: 1,
    backend: null,
    backend_version: '',
    backend_reason: 'generating data needs none',
    data_fingerprint: start.spec_sha256,
    parameters: 0,
  });
}

/** False when it was stopped. */
async function write(spec: DataGenerationSpec, days: BusinessDays, file: GrowingFile, ports: Ports): Promise<boolean> {
  const { now, yieldToEventLoop, pause, emit } = ports;
  const path = new PricePath(spec);
  const meter = new ProgressMeter(now);
  const { rows, rows_per_second: rate } = spec;
  const portion = rate === null ? ROWS_PER_STEP : clamp(Math.floor(rate / PORTIONS_PER_SECOND), 1, ROWS_PER_STEP);
  const startedAt = now();
  await file.append('date,price\n');
  for (let row = 0; row < rows;) {
    await yieldToEventLoop();
    if (isStopped(stepAt(row, rows), ports)) return false;
    const waitMs = rate === null ? 0 : startedAt + (row * 1000) / rate - now();
    if (waitMs > 0) {
      await pause(Math.min(waitMs, LONGEST_WAIT_MS));
      continue;
    }
    const end = Math.min(row + portion, rows);
    meter.count(end - row);
    let lines = '';
    for (; row < end; row += 1) lines += `${days.date(row)},${path.next()}\n`;
    await file.append(lines);
    if (!meter.isWorthTelling(row === rows)) continue;
    const [step, steps] = [stepAt(row, rows), stepAt(rows, rows)];
    emit({ type: 'progress', step, epoch: 0, steps, epochs: 1, loss: null, examples_per_second: meter.takeRate() });
  }
  return true;
}

/** Answers what was asked since the last look. A stop that wants a save cannot be had and is given up. */
function isStopped(step: number, { requests, emit }: Ports): boolean {
  requests.takeSettled();
  const refuse = ({ request_id }: SaveRequest): void => {
    const message =
      'Generating data has no checkpoints: the same spec gives the same numbers, so it starts over. ' +
      'Let it finish, or cancel it';
    emit({ type: 'save_failed', request_id, message });
  };
  for (const request of requests.takeSaves()) refuse(request);
  const { stop } = requests;
  if (!stop) return false;
  if (stop.save) {
    requests.dropStop(stop);
    refuse(stop.save);
    return false;
  }
  emit({ type: 'stopped', step, epoch: 0 });
  return true;
}

/** The last step can have fewer rows; the others count when they are full. */
function stepAt(row: number, rows: number): number {
  return row === rows ? Math.ceil(rows / ROWS_PER_STEP) : Math.floor(row / ROWS_PER_STEP);
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest);
}
