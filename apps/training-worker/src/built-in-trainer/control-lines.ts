import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { TrainerControl } from '@ktrdr/contracts';
import { ControlQueue, type StartControl, TrainerProtocolError } from '@ktrdr/trainer';

/** The control channel as it comes in: the one `start`, and a queue of everything else. */
export interface ControlChannel {
  readonly start: Promise<StartControl>;
  readonly requests: ControlQueue;
}

/** Reads JSON Lines. `onClose` is called when the other side is gone. */
export function openControlChannel(input: Readable, onClose: () => void): ControlChannel {
  const requests = new ControlQueue();
  const { promise: start, resolve, reject } = Promise.withResolvers<StartControl>();
  let hasStarted = false;
  const fail = (error: TrainerProtocolError) => {
    requests.fail(error);
    reject(error);
  };
  const lines = createInterface({ input, crlfDelay: Infinity });
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    const control = parseControl(line);
    if (control instanceof TrainerProtocolError) return fail(control);
    if (control.type !== 'start') return requests.push(control);
    if (hasStarted) return fail(new TrainerProtocolError('a second start; a trainer serves one operation', line));
    hasStarted = true;
    resolve(control);
  });
  lines.on('close', onClose);
  input.on('error', onClose);
  return { start, requests };
}

function parseControl(line: string): TrainerControl | TrainerProtocolError {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return new TrainerProtocolError('a line is not JSON', line);
  }
  const parsed = TrainerControl.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return new TrainerProtocolError(`${issue?.path.join('.') || 'message'}: ${issue?.message}`, line);
}
