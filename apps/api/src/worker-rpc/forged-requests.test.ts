import { ForgedRequests } from './forged-requests.js';

describe('forged requests', () => {
  it('are logged once a minute for each key and method', () => {
    let now = 0;
    const logged: object[] = [];
    const forged = new ForgedRequests({ warn: (entry: object) => void logged.push(entry) } as never, () => now);
    for (let n = 0; n < 1_000; n += 1) forged.refused('UA', 'claim', `speaks for the worker w${n}`);
    forged.refused('UA', 'heartbeat', 'x');
    forged.refused('UB', 'claim', 'x');
    expect(logged).toHaveLength(3);
    now = 60_000;
    forged.refused('UA', 'claim', 'again');
    expect(logged.slice(3)).toEqual([{ nkey: 'UA', method: 'claim', what: 'again' }]);
  });
});
