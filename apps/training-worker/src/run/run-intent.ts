import type { Directive } from '@ktrdr/contracts';

/** What a running operation should do, with all requests combined. */
export interface Wish {
  readonly kind: 'train' | 'pause' | 'cancel' | 'shutdown';
  readonly boundary: 'step' | 'epoch';
  readonly save: boolean;
}

/** Why a worker hands back its operations. */
export type ShutdownReason = 'worker-shutdown' | 'drain';

const TRAIN: Wish = { kind: 'train', boundary: 'step', save: false };

/** The newest directive of the API and the worker's own shutdown, as one wish. */
export class RunIntent {
  private shutdown: ShutdownReason | null = null;
  private pauseAbandoned = false;
  private changes = 0;
  private readonly listeners = new Set<() => void>();

  constructor(
    private directive: Directive,
    /** False: there is nothing to save, so that an end need not wait for it. A pause needs a checkpoint all the same. */
    private readonly hasState = true,
  ) {}

  /** A cancel outlives everything; a shutdown does not wait for the end of an epoch. */
  get wish(): Wish {
    const { directive } = this;
    if (directive.kind === 'cancel') return { kind: 'cancel', boundary: 'step', save: directive.save && this.hasState };
    if (this.shutdown) return { kind: 'shutdown', boundary: 'step', save: this.hasState };
    if (directive.kind === 'pause' && !this.pauseAbandoned) {
      return { kind: 'pause', boundary: directive.boundary, save: true };
    }
    return TRAIN;
  }

  /** Whether the API wants it paused, whatever the worker wants. */
  get isPauseWanted(): boolean {
    return this.directive.kind === 'pause' && !this.pauseAbandoned;
  }

  /**
   * For a directive that comes as the answer to a question asked now: it is obeyed only if no other one has come
   * meanwhile, for it may be older than that.
   */
  answerToNow(): (directive: Directive) => void {
    const asked = this.changes;
    return (directive) => {
      if (this.changes === asked) this.obey(directive);
    };
  }

  obey(directive: Directive): void {
    if (JSON.stringify(directive) !== JSON.stringify(this.directive)) this.changes += 1;
    if (directive.kind !== 'pause') this.pauseAbandoned = false;
    this.directive = directive;
    this.notify();
  }

  get shutdownReason(): ShutdownReason {
    return this.shutdown ?? 'worker-shutdown';
  }

  /** The first reason stays. */
  shutDown(reason: ShutdownReason): void {
    this.shutdown ??= reason;
    this.notify();
  }

  /** Its checkpoint could not be saved: training goes on, and the API hears of it before it can ask again. */
  abandonPause(): void {
    this.pauseAbandoned = true;
    this.notify();
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

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
