/** What a request says about itself beside its body. */
export const RPC_HEADERS = {
  protocol: 'Ktrdr-Protocol',
  /** Names the run of the program whose clock `sentAt` is. */
  clock: 'Ktrdr-Clock',
  /** Milliseconds of that clock. */
  sentAt: 'Ktrdr-Sent-At',
  /** Milliseconds that its asker waits for the answer. */
  waits: 'Ktrdr-Waits',
} as const;
