import type { NatsSession } from '@ktrdr/messaging-nats';
import { connect } from '@nats-io/transport-node';
import { testWorkerUser } from '../../support/nats-users.js';
import { AttackField } from './attack-field.js';
import { type Attack, publications, replies, subscriptions, type Targets } from './attack-list.js';
import { forgedCredentials } from './forged-credentials.js';

const KINDS = { subscriptions, publications, replies } as const;
/** `npm run test:attacks` tries everything; otherwise it is one server, and every fifth attack of the control. */
const IS_WHOLE = process.env['KTRDR_TEST_ATTACKS'] === 'all';
const CONTROL_TRIES = IS_WHOLE ? 1 : 5;
/** Of who may do everything: without it, that nobody else succeeds would show nothing. */
const LEAST_OF_CONTROL = { withJetStream: 60, without: 25 };

describe.each([['with JetStream', true], ...(IS_WHOLE ? ([['without JetStream', false]] as const) : [])] as const)(
  'a worker that attacks, on a server %s,',
  (kindOfServer, hasJetStream) => {
    let field: AttackField;
    let attacker: NatsSession;
    let control: NatsSession;
    beforeAll(async () => {
      field = await AttackField.open({ hasJetStream });
      attacker = await field.attacker();
      control = await field.control();
    });
    afterAll(async () => {
      await Promise.all([attacker, control].map((session) => session.close()));
      await field.close();
    });

    const succeeded = async (list: (targets: Targets) => readonly Attack[], who: NatsSession): Promise<string[]> => {
      const successes: string[] = [];
      for (const attack of list(field.targets(who))) {
        const effects = await field.effectsOf(attack, who);
        if (effects.length > 0) successes.push(`${attack.name}: ${effects.join(', ')}`);
      }
      return successes;
    };

    it.each([
      ['subscriptions', 39],
      ['publications', 61],
      ['replies', 11],
    ] as const)('has no effect by its %s', async (kind, count) => {
      expect(KINDS[kind](field.targets(attacker))).toHaveLength(count);
      expect(await succeeded(KINDS[kind], attacker)).toEqual([]);
    });

    it('is let in with none of ten forged credentials', async () => {
      const victim = testWorkerUser();
      const forged = forgedCredentials(victim);
      expect(forged).toHaveLength(10);
      const let_in: string[] = [];
      for (const [name, options] of forged) {
        const connection = await connect({ servers: field.url, reconnect: false, ...options }).catch(() => null);
        if (!connection) continue;
        let_in.push(name);
        await connection.close();
      }
      expect(let_in).toEqual([]);
    });

    it('would have effects if it might do everything', async () => {
      const tried = (targets: Targets): readonly Attack[] =>
        Object.values(KINDS)
          .flatMap((list) => list(targets))
          .filter((_attack, index) => index % CONTROL_TRIES === 0);
      const all = await succeeded(tried, control);
      const count = tried(field.targets(control)).length;
      process.stderr.write(`attacks: ${all.length} of ${count} succeed for who may do everything (${kindOfServer})\n`);
      const least = LEAST_OF_CONTROL[hasJetStream ? 'withJetStream' : 'without'];
      expect(all.length).toBeGreaterThanOrEqual(Math.floor(least / CONTROL_TRIES));
    });
  },
);
