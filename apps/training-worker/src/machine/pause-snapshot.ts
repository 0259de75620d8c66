import type { ResourceSnapshot } from '@ktrdr/contracts';

export type MachineReading = Pick<
  ResourceSnapshot,
  'cpu_percent' | 'memory_used_bytes' | 'memory_total_bytes' | 'gpus'
>;

/** Measures resources. Nothing throws or takes longer than half a second; a figure that cannot be measured is null. */
export interface ResourceMeter {
  /** Notes the CPU load, so that a pause soon after can report it. Cheap; any number of times. */
  observe(): void;
  machine(): Promise<MachineReading>;
  /** Resident memory in bytes, now. */
  processMemory(pid: number): number | null;
}

/** A pause at the end of an epoch is requested long before it happens; the figures should be recent. */
const STALE_AFTER_MS = 1_000;

/** The load of the machine when a trainer ended for a pause, measured while the trainer still ran. */
export class PauseSnapshot {
  private reading: Promise<MachineReading> | undefined;
  private takenAt = new Date(0);
  private readAt = -Infinity;
  private trainerMemory: number | null = null;

  constructor(
    private readonly meter: ResourceMeter,
    private readonly trainer: { readonly pid: number },
    /** Monotonic milliseconds. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The trainer is about to end: called at the request to stop, and again when its save is there. */
  measure(): void {
    this.trainerMemory = this.meter.processMemory(this.trainer.pid) ?? this.trainerMemory;
    if (this.now() - this.readAt < STALE_AFTER_MS) return;
    this.readAt = this.now();
    this.takenAt = new Date();
    this.reading = this.meter.machine();
  }

  /** Null when nothing was measured. */
  async result(trainer: {
    readonly isGone: boolean;
    readonly examplesPerSecond: number | null;
  }): Promise<ResourceSnapshot | null> {
    const machine = await this.reading;
    if (!machine) return null;
    return {
      taken_at: this.takenAt.toISOString(),
      ...machine,
      trainer_memory_bytes: this.trainerMemory,
      trainer_gone: trainer.isGone,
      examples_per_second: trainer.examplesPerSecond,
    };
  }
}
