import { isLeased, isSettled } from '@ktrdr/operations/model';
import { count, duration, figure, ordinal } from '../render/words/units.js';
import type { WatchView } from './watched-operation.js';

const NARROWEST_BAR = 10;
const WIDEST_BAR = 40;

/** Everything in one line, for output that is not a terminal. */
export function progressText(view: WatchView): string {
  return fieldsOf(view)
    .map(({ text }) => text)
    .join('  ');
}

/** The same, cut to the width: with a bar where there is room, and without the least needed fields where there is not. */
export function progressLine(view: WatchView, width: number): string {
  const room = Math.max(1, width - 1); // the last column would wrap on some terminals
  let fields = fieldsOf(view);
  const text = () => fields.map((field) => field.text).join('  ');
  while (text().length > room && fields.length > 1) {
    const least = Math.max(...fields.map(({ rank }) => rank));
    fields = fields.filter(({ rank }) => rank !== least);
  }
  const line = text().slice(0, room);
  const barWidth = Math.min(WIDEST_BAR, room - line.length - 2);
  return view.steps > 0 && barWidth >= NARROWEST_BAR ? `${bar(view.step / view.steps, barWidth)}  ${line}` : line;
}

interface Field {
  readonly text: string;
  /** The greater, the sooner it gives way. */
  readonly rank: number;
}

function fieldsOf(view: WatchView): Field[] {
  const { operation, epoch, epochs, step, steps, loss, validationLoss, examplesPerSecond, etaSeconds } = view;
  const { status, queue_position: position } = operation;
  const isTraining = status === 'running';
  const state = position === null ? status : `${status}, ${ordinal(position)} in queue`;
  const fields: (Field | null)[] = [
    isTraining ? null : { text: state, rank: 0 },
    epochs > 0 ? { text: `epoch ${count(epoch)}/${count(epochs)}`, rank: 3 } : null,
    steps > 0 || step > 0 ? { text: `step ${count(step)}${steps > 0 ? `/${count(steps)}` : ''}`, rank: 1 } : null,
    loss === null ? null : { text: `loss ${figure(loss)}`, rank: 2 },
    validationLoss === null ? null : { text: `val ${figure(validationLoss)}`, rank: 5 },
    examplesPerSecond === null || !isLeased(status) ? null : { text: `ex/s ${count(examplesPerSecond)}`, rank: 6 },
    etaSeconds === null || isSettled(status) ? null : { text: `ETA ${duration(Math.ceil(etaSeconds))}`, rank: 4 },
  ];
  const shown = fields.filter((field) => field !== null);
  return shown.length > 0 ? shown : [{ text: 'starting', rank: 0 }];
}

function bar(fraction: number, width: number): string {
  const filled = Math.floor(Math.min(1, Math.max(0, fraction)) * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
