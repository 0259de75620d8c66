import { TimelyIngest } from './timely-ingest.js';

describe('what workers tell', () => {
  let now: number;
  let ingest: TimelyIngest;
  beforeEach(() => {
    now = 10_000;
    ingest = new TimelyIngest(() => now);
  });
  const taking = (ms: number) => async () => void (now += ms);
  const failing = (ms: number) => async () => {
    now += ms;
    throw new Error('no database');
  };

  it('has always been written in time while every batch is', async () => {
    for (let n = 0; n < 3; n += 1) await ingest.write(taking(900));
    expect(ingest.forMs()).toBe(Infinity);
  });

  it('is not while a batch is under way for long, and from its end on is again', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const writing = ingest.write(() => promise);
    now += 900;
    expect(ingest.forMs()).toBe(Infinity);
    now += 200;
    expect(ingest.forMs()).toBe(0);
    resolve();
    await writing;
    expect(ingest.forMs()).toBe(0);
    now += 2_500;
    expect(ingest.forMs()).toBe(2_500);
  });

  it('is not while a batch that failed waits to be tried again', async () => {
    await expect(ingest.write(failing(10))).rejects.toThrow('no database');
    now += 5_000;
    expect(ingest.forMs()).toBe(0);
    await expect(ingest.write(failing(10))).rejects.toThrow('no database');
    expect(ingest.forMs()).toBe(0);
    await ingest.write(taking(10));
    now += 700;
    expect(ingest.forMs()).toBe(700);
  });
});
