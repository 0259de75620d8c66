import type { ScheduleSpec } from '@ktrdr/specs';
import { FRESH_PATIENCE, observe, type Patience } from './early-stopping.js';

/** What the schedules remember between epochs, as it is stored. */
export interface ScheduleState {
  /** The base rate of the spec that the plateau's rate came down from. */
  readonly base_rate: number;
  /** The rate that a plateau schedule has come down to; the other schedules never change it. */
  readonly plateau_rate: number;
  readonly plateau: Patience;
}

export function initialSchedule(learningRate: number): ScheduleState {
  return { base_rate: learningRate, plateau_rate: learningRate, plateau: FRESH_PATIENCE };
}

/**
 * Goes on with another base rate: what a plateau has taken off stays off in proportion, down to the minimum, and its
 * wait goes on. The other schedules are functions of the base, so nothing of them is kept.
 */
export function withBaseRate(schedule: ScheduleSpec, state: ScheduleState, base: number): ScheduleState {
  if (base === state.base_rate) return state;
  if (schedule.kind !== 'plateau') return { ...state, base_rate: base, plateau_rate: base };
  const floor = Math.min(schedule.min_learning_rate, base);
  return { ...state, base_rate: base, plateau_rate: Math.max(floor, state.plateau_rate * (base / state.base_rate)) };
}

/**
 * The learning rate of an epoch: a function of its arguments alone, so a resumed run computes the same one. With another
 * base or another number of epochs, the epochs that are left get the rates that they would have had in a run planned so
 * from the start; the rate can jump there.
 */
export function learningRateAt(at: {
  readonly schedule: ScheduleSpec;
  readonly base: number;
  /** From 0. */
  readonly epoch: number;
  readonly epochs: number;
  readonly state: ScheduleState;
}): number {
  const { schedule, base, epoch, epochs, state } = at;
  switch (schedule.kind) {
    case 'constant':
      return base;
    case 'step':
      return base * schedule.factor ** Math.floor(epoch / schedule.every_epochs);
    case 'cosine': {
      const floor = Math.min(schedule.min_learning_rate, base);
      return floor + ((base - floor) * (1 + Math.cos((Math.PI * Math.min(epoch, epochs)) / epochs))) / 2;
    }
    case 'plateau':
      return state.plateau_rate;
  }
}

/** The schedule after an epoch with this validation loss. */
export function afterEpoch(schedule: ScheduleSpec, state: ScheduleState, validationLoss: number): ScheduleState {
  if (schedule.kind !== 'plateau') return state;
  const plateau = observe(state.plateau, validationLoss, schedule.min_delta);
  if (plateau.epochs_without < schedule.patience) return { ...state, plateau };
  const floor = Math.min(schedule.min_learning_rate, state.plateau_rate);
  return {
    ...state,
    plateau_rate: Math.max(floor, state.plateau_rate * schedule.factor),
    plateau: { best: plateau.best, epochs_without: 0 },
  };
}
