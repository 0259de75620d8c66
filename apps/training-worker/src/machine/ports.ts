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
