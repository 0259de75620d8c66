import type { EventView, OperationView } from '@ktrdr/contracts';
import { oneLine } from '../render/words/parts.js';

const GONE: Readonly<Record<string, string>> = {
  'lease-expired': 'Its lease was lost',
  crash: 'Its trainer crashed',
  release: 'Its worker let go of it',
};

/** Tells in sentences that an operation has lost its worker, what that leads to, and who takes it then. */
export class LostWorkerNotes {
  private isLost = false;
  private toldLack: string | null = null;

  /** What an event says about it; null: nothing. */
  ofEvent({ type, attempt, data }: EventView): string | null {
    if (type !== 'status') return null;
    const { event, to, reason, actor } = data;
    if (event === 'claim' && this.isLost) {
      this.isLost = false;
      return `${capitalised(String(actor).replace(':', ' '))} has taken it over, attempt ${attempt}.`;
    }
    const how = GONE[String(event)];
    if (how === undefined) return null;
    const why = typeof reason === 'string' && reason !== '' ? `: ${oneLine(reason).replace(/(?<!\.)\.$/, '')}` : '';
    const then = AFTERWARDS[String(to)];
    this.isLost = then !== undefined;
    return [`${how}${why}.`, then].filter(Boolean).join(' ');
  }

  /** That nobody is there to take it, said once. */
  ofReading({ no_fitting_worker: lack }: OperationView): string | null {
    // Not every reading tells: that of a stream does not.
    if (lack === undefined || lack === this.toldLack) return null;
    this.toldLack = lack;
    return lack && `${capitalised(oneLine(lack))}; it waits until there is one.`;
  }
}

const AFTERWARDS: Readonly<Record<string, string>> = {
  resuming: 'It waits for a worker and continues from its last checkpoint.',
  queued: 'It waits for a worker and begins again: it has no checkpoint yet.',
};

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
