import type { Answer, Http } from './http.js';
import { eventuallySeen } from './eventually.js';

export type View = Answer['body'];

const SETTLED = ['completed', 'failed', 'cancelled', 'paused'];

/** Changes whenever anything moves. */
const placeOf = ({ status, version, progress }: View): string => `${status} ${version} ${progress?.step}`;

/** What a person does with operations, over HTTP. */
export function trainingOver(http: Http) {
  const show = async (id: string): Promise<View> => (await http.get(`/operations/${id}`)).body;

  const until = (id: string, check: (view: View) => boolean, what: string, deadlineMs = 60_000): Promise<View> =>
    eventuallySeen(() => show(id), check, { what, deadlineMs });

  /** Fails when nothing moves for a minute. How fast a machine trains is not what is tested. */
  const settled = async (id: string): Promise<View> => {
    for (let seen = await show(id); ;) {
      if (SETTLED.includes(seen['status'] as string)) return seen;
      const before = placeOf(seen);
      seen = await until(id, (view) => placeOf(view) !== before, `${id} has settled, or moved on from ${before}`);
    }
  };

  return {
    show,
    until,
    settled,
    async submit(body: Record<string, unknown>): Promise<string> {
      const { status, body: view } = await http.post('/operations', body);
      if (status !== 201) throw new Error(`not submitted: ${JSON.stringify(view)}`);
      return view['operation_id'] as string;
    },
    reached: (id: string, step: number) =>
      until(
        id,
        ({ status, progress }) =>
          SETTLED.includes(status as string) || (status === 'running' && (progress?.step ?? 0) >= step),
        `${id} has reached step ${step}`,
      ),
    async completed(id: string): Promise<View> {
      const view = await settled(id);
      if (view['status'] !== 'completed')
        throw new Error(
          `${id} is ${view['status']}: ${JSON.stringify(view['error'])} ${JSON.stringify(view['warnings'])}`,
        );
      return view;
    },
    async cancelled(id: string): Promise<View> {
      await http.post(`/operations/${id}/cancel`);
      return settled(id);
    },
    /** SHA-256 of the final weights. */
    async weightsOf(id: string): Promise<string> {
      const { body } = await http.get(`/operations/${id}/result`);
      return body['result'].weights_sha256 as string;
    },
  };
}
