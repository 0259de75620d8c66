import { block } from './terminal/layout.js';
import type { Paint } from './terminal/paint.js';

/** Named as the parts of the product look for them. */
export const NATS_FILES = {
  config: 'nats.conf',
  creds: 'api.creds',
  signingKey: 'worker-signing.nk',
  seeds: 'nats-seeds.json',
} as const;

/** What was written, and what goes where. */
export function renderNatsFiles(folder: string, paint: Paint): string {
  return block(
    `Wrote ${folder}`,
    [
      { label: NATS_FILES.config, value: 'to the server: nats-server -c nats.conf' },
      { label: NATS_FILES.creds, value: 'to the API alone: KTRDR_NATS_CREDS_FILE' },
      { label: NATS_FILES.signingKey, value: 'to the API alone: KTRDR_NATS_SIGNING_KEY_FILE' },
      { label: NATS_FILES.seeds, value: 'to a safe place: who has it can make anybody anything' },
    ],
    paint,
  );
}
