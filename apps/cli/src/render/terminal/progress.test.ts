import { LiveLine, PlainLines, Progress, type ProgressScreen } from './progress.js';
import { transferred } from '../words/units.js';

let now: number;
beforeEach(() => {
  now = 10_000;
});

function givenProgress(screen: ProgressScreen, totalBytes = 419e6) {
  let bytes = 0;
  const text = () => transferred({ bytes, totalBytes, done: 'sent' });
  const progress = new Progress({ text, screen, startedAtMs: 10_000, nowMs: () => now });
  return { add: (more: number) => void (bytes += more), tick: () => progress.tick() };
}

/** A terminal of so many columns, and what was written to it. */
function terminal(columns = 80) {
  const written: string[] = [];
  return { columns, written, write: (text: string) => written.push(text) > 0 };
}

describe('the progress of bytes', () => {
  it('in a log is a line every five seconds from the second one on, whether they move or not', () => {
    const said: string[] = [];
    const progress = givenProgress(new PlainLines((line) => void said.push(line)));
    for (now of [10_000, 11_999, 12_000, 13_000, 16_999, 17_000, 22_000]) {
      if (now < 17_000) progress.add(30e6);
      progress.tick();
    }
    expect(said).toEqual([
      '90.0 MB of 419 MB sent (21 %) …',
      '150 MB of 419 MB sent (35 %) …',
      '150 MB of 419 MB sent (35 %) …',
    ]);
  });

  it('on a terminal is one line that is drawn again, and gone at the end', () => {
    const stream = terminal();
    const screen = new LiveLine(stream);
    const progress = givenProgress(screen);
    for (now of [11_900, 12_000, 12_100, 12_200]) {
      progress.add(100e6);
      progress.tick();
    }
    screen.close();
    expect(stream.written).toEqual([
      '\r\u001b[K200 MB of 419 MB sent (47 %)',
      '\r\u001b[K400 MB of 419 MB sent (95 %)',
      '\r\u001b[K',
    ]);
  });

  it('on a terminal fits into its width, and leaves room for what is said meanwhile', () => {
    const stream = terminal(11);
    const screen = new LiveLine(stream);
    screen.note('before');
    now = 12_000;
    givenProgress(screen).tick();
    screen.note('still trying');
    expect(stream.written).toEqual(['before\n', '\r\u001b[K0 B of 419', '\r\u001b[Kstill trying\n0 B of 419']);
  });

  it('on a terminal gives way to what is written by another way', () => {
    const stream = terminal();
    const screen = new LiveLine(stream);
    const say = () => void stream.write('found one\n');
    screen.giveWay(say);
    now = 12_000;
    givenProgress(screen).tick();
    screen.giveWay(say);
    const line = '0 B of 419 MB sent (0 %)';
    expect(stream.written).toEqual(['found one\n', `\r\u001b[K${line}`, '\r\u001b[K', 'found one\n', line]);
  });

  it('of no bytes has no share', () => {
    const said: string[] = [];
    now = 12_000;
    givenProgress(new PlainLines((line) => void said.push(line)), 0).tick();
    expect(said).toEqual(['0 B of 0 B sent …']);
  });
});
