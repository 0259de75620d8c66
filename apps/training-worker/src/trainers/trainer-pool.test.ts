import { pino } from 'pino';
import { TrainerPool } from './trainer-pool.js';

/** Says that it is ready, and stays until it is ended. */
const TRAINER = `
  const ready = { type: 'ready', trainer: 'idle', version: '1', pid: process.pid, backends: ['cpu'] };
  require('node:fs').writeSync(4, JSON.stringify(ready) + '\\n');
  setInterval(() => undefined, 60_000);`;

describe('the trainer pool', () => {
  let pool: TrainerPool;
  beforeEach(() => {
    const env = { ...process.env, NODE_OPTIONS: '' };
    pool = new TrainerPool({ command: process.execPath, args: ['-e', TRAINER], env }, pino({ level: 'silent' }));
  });
  afterEach(() => pool.close());

  it('gives each of those who ask at once a trainer of their own', async () => {
    await pool.idle();
    const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
    expect(new Set(taken.map(({ ready }) => ready.pid)).size).toBe(3);
  });

  it('gives the one that is warm, and has another one warm when it is asked to', async () => {
    const warm = await pool.idle();
    expect(await pool.take()).toBe(warm);
    pool.refill();
    expect((await pool.idle()).ready.pid).not.toBe(warm.ready.pid);
  });

  it('does not give one that has ended meanwhile', async () => {
    const ended = await pool.idle();
    const gone = new Promise((resolve) => ended.onExit(resolve));
    ended.kill();
    await gone;
    expect((await pool.take()).ready.pid).not.toBe(ended.ready.pid);
  });
});
