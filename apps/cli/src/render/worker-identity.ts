import type { EnrolmentCreatedView, IdentityView } from '@ktrdr/contracts';
import { block } from './terminal/layout.js';
import type { Paint } from './terminal/paint.js';

/** The one time that the token is shown. */
export function renderEnrolment(
  { token, pool, worker_id, uses, expires_at }: EnrolmentCreatedView,
  { paint, apiUrl }: { readonly paint: Paint; readonly apiUrl: string },
): string {
  const shown = block(
    uses === 1 ? `Enrols one worker of the pool ${pool}` : `Enrols ${uses} workers of the pool ${pool}`,
    [
      { label: 'token', value: token },
      { label: 'worker', value: worker_id },
      { label: 'until', value: expires_at },
      { label: 'set', value: [`KTRDR_API_URL=${apiUrl}`, 'KTRDR_ENROL_TOKEN_FILE=a file with the token'] },
    ],
    paint,
  );
  return `${shown}\nThe token is shown this once. Who has enrolled does not need it any more.`;
}

export function renderRevoked({ worker_id, nkey }: IdentityView, paint: Paint): string {
  return block(
    `Revoked ${worker_id}`,
    [
      { label: 'key', value: nkey },
      { label: 'then', value: 'what it holds goes on elsewhere when its leases have run out' },
      { label: 'back', value: 'remove its identity.nk, then: ktrdr workers enrol' },
    ],
    paint,
  );
}
