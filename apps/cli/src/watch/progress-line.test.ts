import { eventView, operationView } from '../testing/fixtures.js';
import { progressLine, progressText } from './progress-line.js';
import { WatchedOperation } from './watched-operation.js';

const view = (changes = {}) => new WatchedOperation(operationView(changes)).view;

describe('the progress line', () => {
  it('tells everything when there is room', () => {
    expect(progressText(view())).toBe('epoch 12/50  step 1,344/5,600  loss 0.6892  val 0.6911  ex/s 8,100  ETA 41 s');
  });

  it('fills the width with a bar', () => {
    expect(progressLine(view(), 100)).toBe(
      '█████░░░░░░░░░░░░░░░░  epoch 12/50  step 1,344/5,600  loss 0.6892  val 0.6911  ex/s 8,100  ETA 41 s',
    );
  });

  it.each([200, 100, 80, 60, 40, 20, 5, 1])('fits %i columns', (width) => {
    expect(progressLine(view(), width).length).toBeLessThanOrEqual(width);
  });

  it('gives up the least needed first', () => {
    expect(progressLine(view(), 60)).toBe('epoch 12/50  step 1,344/5,600  loss 0.6892  ETA 41 s');
    expect(progressLine(view(), 40)).toBe('step 1,344/5,600  loss 0.6892');
  });

  it('says where an operation waits', () => {
    const waiting = view({ status: 'queued', queue_position: 3, progress: null, metrics: null });
    expect(progressText(waiting)).toBe('queued, 3rd in queue');
  });

  it('shows losses that are no numbers', () => {
    expect(progressText(view({ metrics: { loss: 'NaN', val_loss: 'Infinity' } }))).toContain('loss NaN  val Infinity');
  });
});

describe('a watched operation', () => {
  it('moves with its events and measures its own pace', () => {
    const watched = new WatchedOperation(operationView());
    const progress = (seq: number, step: number) =>
      watched.apply(
        eventView(seq, 'progress', { step, epoch: 13, steps: 5600, epochs: 50, loss: 0.5, examples_per_second: 9000 }),
      );
    expect(progress(1, 1400)).toBe('progress');
    progress(11, 1500); // 100 steps in one second
    expect(watched.view).toMatchObject({ step: 1500, epoch: 13, loss: 0.5, examplesPerSecond: 9000, etaSeconds: 41 });
    expect(watched.apply(eventView(12, 'metrics', { step: 1500, epoch: 13, values: { val_loss: 0.6 } }))).toBe('epoch');
    expect(watched.view.validationLoss).toBe(0.6);
  });

  it('asks for the record after anything it does not follow itself', () => {
    const watched = new WatchedOperation(operationView());
    expect(watched.apply(eventView(1, 'paused'))).toBe('stale');
    expect(watched.apply(eventView(2, 'of a newer version', { step: {} }))).toBe('stale');
    expect(watched.apply(eventView(3, 'log', { lines: [] }))).toBe('nothing');
  });

  it('survives events without the expected fields', () => {
    const watched = new WatchedOperation(operationView());
    watched.apply(eventView(1, 'progress', { step: 'many', loss: { deep: 1 } }));
    watched.apply(eventView(2, 'metrics', { values: null }));
    expect(watched.view.step).toBe(1344);
    expect(progressText(watched.view)).toContain('step 1,344/5,600');
  });

  it('does not fall back behind its events within an attempt, but does with a new one', () => {
    const watched = new WatchedOperation(operationView());
    watched.apply(eventView(1, 'metrics', { step: 1344, epoch: 13 }));
    watched.replace(operationView());
    expect(watched.view.epoch).toBe(13);
    watched.apply(eventView(1, 'progress', { step: 2000, epoch: 18 }));
    watched.replace(operationView());
    expect(watched.view.step).toBe(2000);
    watched.replace(operationView({ attempt: 3 }));
    expect(watched.view.step).toBe(1344);
    expect(watched.apply(eventView(2, 'progress', { step: 2100 }))).toBe('nothing');
    expect(watched.view.step).toBe(1344);
  });
});
