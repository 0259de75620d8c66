import { ApiProblemError, ApiUnreachableError } from '@ktrdr/api-client';
import type { ErrorCode } from '@ktrdr/errors';
import { isProofOf, Nkey, readProof, signNatsJwt } from '@ktrdr/messaging-nats';
import { pino } from 'pino';
import { CredentialKeeper, type CredentialsApi } from './credential-keeper.js';
import { EnrolmentMissingError, OtherWorkerError } from './errors.js';

const key = Nkey.generate('user');
const account = Nkey.generate('account');
const unreachable = new ApiUnreachableError({ url: 'http://api', reason: 'connection refused' });

function problem(status: number, code: ErrorCode): ApiProblemError {
  return new ApiProblemError({ type: 'about:blank', title: 'Refused', status, code });
}

function credentials(seconds: number, workerId = 'w1') {
  const claims = { subject: key.publicKey, name: workerId, issuedAt: 0, expiresAt: seconds, nats: { type: 'user' } };
  const expires_at = new Date(seconds * 1000).toISOString();
  return { jwt: signNatsJwt(claims, account), expires_at, nats_url: 'nats://n', pool: 'default', worker_id: workerId };
}

/** An API that gives these answers, one after the other, and the last one again and again. */
function given(
  { renew, enrol }: { readonly renew: readonly unknown[]; readonly enrol?: readonly unknown[] },
  isFixed = false,
) {
  const asked: string[] = [];
  const proofs: string[] = [];
  const answers = { renew: [...renew], enrol: [...(enrol ?? [])] };
  const next = async (name: 'renew' | 'enrol') => {
    asked.push(name);
    const list = answers[name];
    const answer = list.length > 1 ? list.shift() : list[0];
    if (answer instanceof Error) throw answer;
    return answer as ReturnType<typeof credentials>;
  };
  const api: CredentialsApi = {
    renew: (_nkey, proof) => {
      proofs.push(proof);
      return next('renew');
    },
    enrol: enrol ? () => next('enrol') : null,
  };
  const clock = { now: () => 1_700_000_000_000, monotonicMs: () => performance.now(), random: () => 0.5 };
  const keeper = new CredentialKeeper(key, api, { workerId: 'w1', isFixed }, pino({ level: 'silent' }), clock);
  return { keeper, asked, proofs, end: new AbortController() };
}

describe('the credentials of a worker', () => {
  it('are asked for with its own signature first, and by enrolment where its key is not known', async () => {
    const { keeper, asked, proofs, end } = given({
      renew: [problem(401, 'worker-unknown')],
      enrol: [credentials(3600)],
    });
    expect(await keeper.obtain(end.signal)).toMatchObject({ worker_id: 'w1', pool: 'default' });
    expect(asked).toEqual(['renew', 'enrol']);
    const proof = readProof(proofs[0] ?? '');
    expect(proof && isProofOf(key.publicKey, proof)).toBe(true);
    expect(proof?.at).toBe(1_700_000_000);
    expect(keeper.jwt()).toBe(credentials(3600).jwt);
  });

  it('are asked for by the clock of the API where that of the worker differs', async () => {
    const off = new ApiProblemError({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'clock-off',
      worker_time: new Date(1_700_000_000_000).toISOString(),
      api_time: new Date(1_700_003_600_000).toISOString(),
    });
    const { keeper, proofs, end } = given({ renew: [off, credentials(3600)] });
    await keeper.obtain(end.signal);
    expect(proofs.map((proof) => readProof(proof)?.at)).toEqual([1_700_000_000, 1_700_003_600]);
  });

  it('are waited for while the API is away', async () => {
    const busy = problem(503, 'database-unavailable');
    const { keeper, asked, end } = given({ renew: [unreachable, busy, credentials(3600)] });
    await keeper.obtain(end.signal);
    expect(asked).toEqual(['renew', 'renew', 'renew']);
  });

  it.each<[ErrorCode, number]>([
    ['worker-revoked', 401],
    ['clock-off', 401],
    ['worker-id-taken', 409],
    ['enrolment-refused', 401],
  ])('are not asked for again when the answer is %s', async (code, status) => {
    const { keeper, asked, end } = given({ renew: [problem(status, code)] });
    await expect(keeper.obtain(end.signal)).rejects.toMatchObject({ code });
    expect(asked).toEqual(['renew']);
  });

  it('need a token of an enrolment where the key is not known', async () => {
    const { keeper, end } = given({ renew: [problem(401, 'worker-unknown')] });
    await expect(keeper.obtain(end.signal)).rejects.toThrow(EnrolmentMissingError);
  });

  it('must be those of the worker that the configuration says, where it says one', async () => {
    const { keeper, end } = given({ renew: [credentials(3600, 'w2')] }, true);
    await expect(keeper.obtain(end.signal)).rejects.toThrow(OtherWorkerError);
    const free = given({ renew: [credentials(3600, 'w2')] });
    expect(await free.keeper.obtain(free.end.signal)).toMatchObject({ worker_id: 'w2' });
  });

  it('are renewed in time, and everything connects anew with them', async () => {
    const { keeper, asked, end } = given({ renew: [credentials(1), credentials(3600, 'w1')] });
    await keeper.obtain(end.signal);
    const jwts: string[] = [];
    const connected = {
      reconnect: async () => {
        jwts.push(keeper.jwt());
        if (jwts.length === 2) end.abort();
      },
    };
    await keeper.keep([connected, connected], end.signal);
    expect(asked).toEqual(['renew', 'renew']);
    expect(jwts).toEqual([credentials(3600).jwt, credentials(3600).jwt]);
  });

  it('are renewed at once when they are not taken', async () => {
    const { keeper, asked, end } = given({ renew: [credentials(3600)] });
    await keeper.obtain(end.signal);
    const renewed = Promise.withResolvers<void>();
    const kept = keeper.keep([{ reconnect: async () => renewed.resolve() }], end.signal);
    keeper.renewNow();
    await renewed.promise;
    end.abort();
    await kept;
    expect(asked).toEqual(['renew', 'renew']);
  });

  it('survive a clock that is off for a while, and end with a revocation', async () => {
    const { keeper, asked, end } = given({
      renew: [credentials(1), problem(401, 'clock-off'), unreachable, problem(401, 'worker-revoked')],
    });
    await keeper.obtain(end.signal);
    await expect(keeper.keep([], end.signal)).rejects.toMatchObject({ code: 'worker-revoked' });
    expect(asked).toHaveLength(4);
  });
});
