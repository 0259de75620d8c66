import { PassThrough } from 'node:stream';
import { operationView } from '../testing/fixtures.js';
import { LineScreen, TerminalScreen } from './watch-screen.js';
import { WatchedOperation } from './watched-operation.js';

const view = (step: number) => {
  const progress = {
    fraction: 0.2,
    epoch: 12,
    epochs: 50,
    step,
    steps: 5600,
    examples_per_second: null,
    eta_seconds: null,
  };
  return new WatchedOperation(operationView({ progress, metrics: null })).view;
};

/** A terminal of this width, and what was written to it. */
function terminal(columns: number) {
  const stream = Object.assign(new PassThrough(), { columns, isTTY: true }) as unknown as NodeJS.WriteStream;
  return { stream, written: () => String((stream as unknown as PassThrough).read() ?? '') };
}

describe('a terminal', () => {
  it('shows one line that is drawn again in place', () => {
    const { stream, written } = terminal(44);
    const screen = new TerminalScreen(stream);
    screen.update(view(1));
    screen.update(view(2));
    const [first, second] = [1, 2].map((step) => `\r\u001b[K${'░'.repeat(16)}  epoch 12/50  step ${step}/5,600`);
    expect(written()).toBe(`${first}${second}`);
  });

  it('keeps notes above the line', () => {
    const { stream, written } = terminal(30);
    const screen = new TerminalScreen(stream);
    screen.update(view(1));
    written();
    screen.note('The connection was lost.');
    expect(written()).toBe('\r\u001b[KThe connection was lost.\nepoch 12/50  step 1/5,600');
  });

  it('fits the line to a new width', () => {
    const { stream, written } = terminal(30);
    const screen = new TerminalScreen(stream);
    screen.update(view(1));
    written();
    stream.columns = 15;
    stream.emit('resize');
    expect(written()).toBe('\r\u001b[Kstep 1/5,600');
    screen.close();
    expect(written()).toBe('\n');
    expect(stream.listenerCount('resize')).toBe(0);
  });
});

describe('output that is no terminal', () => {
  it('gets a line at each landmark and one every few seconds in between', () => {
    const lines: string[] = [];
    let nowMs = 0;
    const screen = new LineScreen(
      (line) => lines.push(line),
      () => nowMs,
    );
    const at = (ms: number, step: number, isLandmark = false) => {
      nowMs = ms;
      screen.update(view(step), isLandmark);
    };
    at(0, 1, true);
    at(1_000, 2);
    at(2_000, 3, true);
    at(2_500, 3, true);
    at(6_900, 4);
    at(7_000, 5);
    expect(lines.map((line) => line.split('step ')[1])).toEqual(['1/5,600', '3/5,600', '5/5,600']);
  });
});
