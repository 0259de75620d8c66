export const LEASE_MS = 1_500;

/** For the API: dead workers are found out while a test can wait for it. */
export const SHORT_LEASE = { KTRDR_LEASE_SECONDS: String(LEASE_MS / 1000), KTRDR_HEARTBEAT_SECONDS: '0.5' };
