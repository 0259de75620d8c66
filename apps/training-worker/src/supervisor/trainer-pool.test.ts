import { pino } from 'pino';
import { TrainerPool } from './trainer-pool.js';

/** Says that it is ready, and ends when the pool is gone. */
const TRAINER = `
  const fs = require('node:fs');
  const ready = { type: 'ready', trainer: 't', version: '1', pid: process.pid, backends: ['cpu'], operation_types: ['training'] };
  fs.writeSync(4, JSON.stringify(ready) + '\\n');
  new (require('node:net').Socket)({ fd: 3 }).on('close', () => process.exit(0)).resume();
`;

let pool: TrainerPool;
beforeEach(() => {
  const env = { PATH: process.env['PATH'] };
  pool = new TrainerPool({ command: process.execPath, args: ['-e', TRAINER], env }, pino({ level: 'silent' }));
});
afterEach(() => pool.close());

describe('the trainer pool', () => {
  it('gives each of several who ask at the same time a trainer of its own', async () => {
    pool.refill();
    const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
    expect(new Set(taken.map(({ pid }) => pid)).size).toBe(3);
  });

  it('gives the warm one first, and starts another when it is told to', async () => {
    const warm = await pool.idle();
    expect((await pool.take()).pid).toBe(warm.pid);
    pool.refill();
    expect((await pool.idle()).pid).not.toBe(warm.pid);
  });
});
