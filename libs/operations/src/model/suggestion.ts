/** What a client may do next. `change-request`: send the refused request again with these fields. */
export const SUGGESTED_ACTIONS = [
  'pause',
  'resume',
  'cancel',
  'retry',
  'fork',
  'change-request',
  'show-operation',
  'explain-operation',
  'list-checkpoints',
  'verify-checkpoint',
  'log-in',
  'enrol-worker',
  'revoke-worker',
] as const;

/** One way on, with its parameters as requests name them. The client makes words, a command or a button of it. */
export interface Suggestion {
  readonly action: (typeof SUGGESTED_ACTIONS)[number];
  readonly operation_id?: string;
  readonly checkpoint_id?: string;
  readonly worker_id?: string;
  readonly checkpoint?: string;
  readonly allow_fallback?: boolean;
  readonly allow_backend_change?: boolean;
}

/** A fact with its code, for programs, and a sentence, for people. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}
