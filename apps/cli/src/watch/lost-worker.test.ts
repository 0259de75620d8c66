import { eventView, operationView } from '../testing/fixtures.js';
import { LostWorkerNotes } from './lost-worker.js';

const status = (event: string, to: string, extra = {}) => eventView(1, 'status', { event, to, reason: null, ...extra });

describe('what a watcher is told of a lost worker', () => {
  it('is that its lease was lost and why, that it waits, and who takes it over', () => {
    const notes = new LostWorkerNotes();
    const reason = 'worker w2 sent no heartbeat for a whole lease';
    expect(notes.ofEvent(status('lease-expired', 'resuming', { reason }))).toBe(
      `Its lease was lost: ${reason}. It waits for a worker and continues from its last checkpoint.`,
    );
    expect(notes.ofEvent(status('claim', 'running', { actor: 'worker:w1' }))).toBe(
      'Worker w1 has taken it over, attempt 2.',
    );
    expect(notes.ofEvent(status('claim', 'running', { actor: 'worker:w1' }))).toBeNull();
  });

  it('is what the end of the attempt leads to', () => {
    const notes = new LostWorkerNotes();
    expect(notes.ofEvent(status('crash', 'queued', { reason: 'It ended\nby SIGKILL.' }))).toBe(
      'Its trainer crashed: It ended by SIGKILL. It waits for a worker and begins again: it has no checkpoint yet.',
    );
    expect(notes.ofEvent(status('lease-expired', 'paused'))).toBe('Its lease was lost.');
  });

  it('is nothing where nothing was lost', () => {
    const notes = new LostWorkerNotes();
    for (const event of ['claim', 'pause', 'paused', 'resume', 'complete', 'cancelled'])
      expect(notes.ofEvent(status(event, 'running', { actor: 'worker:w1' }))).toBeNull();
    expect(notes.ofEvent(eventView(1, 'progress', { step: 1 }))).toBeNull();
  });

  it('is once that no worker is there to take it', () => {
    const notes = new LostWorkerNotes();
    const lacking = operationView({ status: 'resuming', no_fitting_worker: 'no worker of pool default is alive' });
    expect(notes.ofReading(lacking)).toBe('No worker of pool default is alive; it waits until there is one.');
    expect(notes.ofReading(lacking)).toBeNull();
    expect(notes.ofReading(operationView())).toBeNull(); // such as that of a list
    expect(notes.ofReading(lacking)).toBeNull();
    expect(notes.ofReading(operationView({ no_fitting_worker: null }))).toBeNull();
    expect(notes.ofReading(lacking)).not.toBeNull();
  });
});
