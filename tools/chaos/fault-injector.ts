import type { Fault, FaultKind, Planned } from './chaos-plan.js';
import type { ChaosStack, Link } from './chaos-stack.js';
import { hintsLost } from './lost-hints.js';
import { childrenOf, trySignal } from './process-children.js';
import type { RestartablePart } from './restartable-part.js';
import { pauseUntil, type Pause } from './pause.js';

/** A supervisor that was killed, by our clock, which is the database's too. */
export interface WorkerKill {
  readonly workerId: string;
  readonly at: number;
}

/** Carries a plan out. A fault whose target is already down, or is coming back, is left out. */
export class FaultInjector {
  readonly inflicted = new Map<FaultKind, number>();
  readonly workerKills: WorkerKill[] = [];
  skipped = 0;
  private readonly underWay = new Set<Promise<void>>();

  /** @param onFailure is told when a part does not come back. */
  constructor(
    private readonly stack: ChaosStack,
    private readonly say: (line: string) => void,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Resolves when everything that was planned has been done and undone, or soon after the signal is aborted. */
  async carryOut(plan: readonly Planned<Fault>[], signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    for (const { atMs, what } of plan) {
      await pauseUntil(startedAt + atMs, signal);
      if (signal.aborted) break;
      this.start(what, signal);
    }
    await Promise.all(this.underWay);
  }

  private start(fault: Fault, signal: AbortSignal): void {
    const until: Pause = () => pauseUntil(performance.now() + ('downMs' in fault ? fault.downMs : 0), signal);
    const work = this.inflict(fault, until)
      .then((name) => {
        if (name === undefined) this.skipped += 1;
      })
      .catch((error: unknown) => this.onFailure(error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  /** Undefined when there was nothing to break. */
  private async inflict(fault: Fault, until: Pause): Promise<true | undefined> {
    const { workers, apis, nats, postgres } = this.stack;
    const { kind } = fault;
    switch (kind) {
      case 'worker-kill':
        return this.outage(fault, workers[fault.target], until, async (process) => {
          this.workerKills.push({ workerId: workers[fault.target]?.name ?? '', at: Date.now() });
          trySignal(process.pid, 'SIGKILL');
          await process.exited;
        });
      case 'worker-stop':
        return this.outage(fault, workers[fault.target], until, (process) => process.stop({ deadlineMs: 40_000 }));
      case 'worker-freeze':
        return this.freeze(fault, workers[fault.target], until, { withChildren: fault.withTrainers });
      case 'trainer-kill':
        return this.killTrainer(fault, workers[fault.target]);
      case 'api-kill':
        return this.outage(fault, apis[fault.target]?.part, until, (process) => process.kill());
      case 'api-freeze':
        return this.freeze(fault, apis[fault.target]?.part, until);
      case 'nats-kill':
        // The server keeps nothing: an empty one takes its place.
        return this.outage(fault, nats, until, (process) => process.kill());
      case 'nats-freeze':
        return this.freeze(fault, nats, until);
      case 'postgres-crash':
        // SIGQUIT is PostgreSQL's immediate shutdown: nothing is written any more, it recovers from its log.
        return this.outage(fault, postgres, until, (process) =>
          process.stop({ signal: 'SIGQUIT', deadlineMs: 10_000 }),
        );
      case 'postgres-freeze':
        // Each of its connections is a process of its own.
        return this.freeze(fault, postgres, until, { withChildren: true });
      case 'hints-lost':
        return this.loseHints(fault, until);
      case 'link-delay':
      case 'link-drop':
      case 'link-cut':
      case 'link-reset':
        return this.disturb(fault, this.stack.links[fault.target], until);
    }
  }

  private async outage(
    fault: Fault,
    part: RestartablePart | undefined,
    until: Pause,
    end: Parameters<RestartablePart['outage']>[0],
  ): Promise<true | undefined> {
    if (!part?.isUp) return undefined;
    this.tell(fault, part.name);
    return (await part.outage(end, until)) || undefined;
  }

  private async freeze(
    fault: Fault,
    part: RestartablePart | undefined,
    until: Pause,
    { withChildren = false } = {},
  ): Promise<true | undefined> {
    const { frozenChildren } = this.stack;
    if (!part?.isUp) return undefined;
    this.tell(fault, `${part.name}${withChildren ? ' with its children' : ''}`);
    return (
      (await part.freeze(async ({ pid: parent }) => {
        // It stands still: it starts no more of them.
        const children = withChildren ? await childrenOf(parent) : [];
        for (const pid of children) if (trySignal(pid, 'SIGSTOP')) frozenChildren.add(pid);
        await until();
        for (const pid of children) {
          trySignal(pid, 'SIGCONT');
          frozenChildren.delete(pid);
        }
      })) || undefined
    );
  }

  /** None of any replica arrives; everything else that replicas tell NATS does. */
  private async loseHints(fault: Fault, until: Pause): Promise<true | undefined> {
    const { apis } = this.stack;
    if (apis.some(({ nats }) => nats.alterUp)) return undefined;
    this.tell(fault, 'of every replica');
    for (const { nats } of apis) nats.alterUp = hintsLost;
    await until();
    for (const { nats } of apis) nats.alterUp = undefined;
    return true;
  }

  private async killTrainer(fault: Fault, worker: RestartablePart | undefined): Promise<true | undefined> {
    if (!worker?.isUp || !worker.running) return undefined;
    const trainers = await childrenOf(worker.running.pid);
    // The busy one is older than the one that is kept warm.
    const [oldest] = trainers.toSorted((a, b) => a - b);
    if (oldest === undefined || !trySignal(oldest, 'SIGKILL')) return undefined;
    this.tell(fault, `pid ${oldest} of ${worker.name}`);
    return true;
  }

  private async disturb(
    fault: Extract<Fault, { kind: `link-${string}` }>,
    link: Link | undefined,
    until: Pause,
  ): Promise<true | undefined> {
    if (!link || link.proxy.isDisturbed) return undefined;
    const { proxy } = link;
    switch (fault.kind) {
      case 'link-delay':
        proxy.slowDown(fault.delayMs);
        break;
      case 'link-drop':
        proxy.drop(fault.direction);
        break;
      case 'link-cut':
        proxy.cut();
        break;
      case 'link-reset':
        proxy.reset();
        break;
    }
    this.tell(fault, link.name);
    if (fault.kind === 'link-reset') return true;
    await until();
    proxy.restore({ isLost: fault.kind === 'link-drop' && fault.isLost });
    return true;
  }

  private tell(fault: Fault, target: string): void {
    this.inflicted.set(fault.kind, (this.inflicted.get(fault.kind) ?? 0) + 1);
    const more = [
      ...('downMs' in fault ? [`${(fault.downMs / 1000).toFixed(1)} s`] : []),
      ...('delayMs' in fault ? [`${Math.round(fault.delayMs)} ms later`] : []),
      ...('direction' in fault ? [fault.direction, fault.isLost ? 'lost' : 'late'] : []),
    ];
    this.say(`${fault.kind} ${target}${more.length > 0 ? ` (${more.join(', ')})` : ''}`);
  }
}
