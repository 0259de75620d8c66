import type { Directive } from '@ktrdr/contracts';

/** What should become of a running operation, all requests taken together. */
export interface Wish {
  readonly kind: 'train' | 'pause' | 'cancel' | 'shutdown';
  readonly boundary: 'step' | 'epoch';
  readonly save: boolean;
}

const TRAIN: Wish = { kind: 'train', boundary: 'step', save: false };

/** The newest directive of the API and the worker's own shutdown, as one wish. */
export class RunIntent {
  private shuttingDown = false;
  private pauseAbandoned = false;
  private readonly listeners = new Set<() => void>();

  constructor(private directive: Directive) {}

  /** A cancel outlives everything; a shutdown does not wait for the end of an epoch. */
  get wish(): Wish {
    const { directive } = this;
    if (directive.kind === 'cancel') return { kind: 'cancel', boundary: 'step', save: directive.save };
    if (this.shuttingDown) return { kind: 'shutdown', boundary: 'step', save: true };
    if (directive.kind === 'pause' && !this.pauseAbandoned) {
      return { kind: 'pause', boundary: directive.boundary, save: true };
    }
    return TRAIN;
  }

  /** Whether the API wants it paused, whatever the worker wants. */
  get isPauseWanted(): boolean {
    return this.directive.kind === 'pause' && !this.pauseAbandoned;
  }

  obey(directive: Directive): void {
    if (directive.kind !== 'pause') this.pauseAbandoned = false;
    this.directive = directive;
    this.tell();
  }

  shutDown(): void {
    this.shuttingDown = true;
    this.tell();
  }

  /** Its checkpoint could not be saved: training goes on, and the API hears of it before it can ask again. */
  abandonPause(): void {
    this.pauseAbandoned = true;
    this.tell();
  }

  /** Returns a function that ends the subscription. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Settles with the wish as soon as it is one of those. */
  until(isOne: (wish: Wish) => boolean): { readonly reached: Promise<Wish>; readonly end: () => void } {
    const { promise: reached, resolve } = Promise.withResolvers<Wish>();
    const check = (): void => {
      if (isOne(this.wish)) resolve(this.wish);
    };
    check();
    return { reached, end: this.onChange(check) };
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
