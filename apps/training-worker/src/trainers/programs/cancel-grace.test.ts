import type { TrainerControl } from '@ktrdr/contracts';
import { InMemoryTrainer } from '../../testing/in-memory-ports.js';
import { CancelGrace } from './cancel-grace.js';

const CANCEL: TrainerControl = { type: 'stop', boundary: 'step', save: { request_id: 'a', kind: 'cancel' } };
const PAUSE: TrainerControl = { type: 'stop', boundary: 'step', save: { request_id: 'b', kind: 'pause' } };

function given() {
  const trainer = new InMemoryTrainer();
  const waiting = new Set<() => void>();
  const patient = new CancelGrace(trainer, 1_000, (ms, act) => {
    expect(ms).toBe(1_000);
    waiting.add(act);
    return () => waiting.delete(act);
  });
  const told: string[] = [];
  patient.attach({
    onEvent: ({ type }) => void told.push(type),
    onLog: () => undefined,
    onExit: ({ signal }) => void told.push(`exit ${signal}`),
  });
  const graceIsOver = (): void => waiting.forEach((act) => act());
  return { trainer, patient, told, graceIsOver };
}

describe('a trainer that is told to stop', () => {
  it('for a cancel is killed when it has not answered within the grace', () => {
    const { patient, told, graceIsOver } = given();
    patient.send(CANCEL);
    expect(told).toEqual([]);
    graceIsOver();
    expect(told).toEqual(['exit SIGKILL']);
  });

  it('is left alone once it has answered', () => {
    const { trainer, patient, told, graceIsOver } = given();
    patient.send(CANCEL);
    trainer.tell({ type: 'stopped', step: 1, epoch: 0 });
    graceIsOver();
    expect(told).toEqual(['stopped']);
  });

  it('for a pause is left to the time limit of the pause', () => {
    const { trainer, patient, told, graceIsOver } = given();
    patient.send(PAUSE);
    graceIsOver();
    expect(told).toEqual([]);
    expect(trainer.controlsOf('stop')).toEqual([PAUSE]);
  });
});
