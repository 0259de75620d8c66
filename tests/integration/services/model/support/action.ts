/** The right that a simulated worker was given, whether or not it still stands. */
export interface GrantedLease {
  readonly operationId: string;
  readonly attempt: number;
  readonly workerId: string;
}

interface Report {
  readonly lease: GrantedLease;
  readonly step: number;
}

export interface SavedCheckpoint {
  readonly id: string;
  readonly seq: number;
  readonly step: number;
  readonly isBest: boolean;
}

type OneOf<Kind extends string, Facts> = Kind extends string ? { readonly kind: Kind } & Facts : never;

/** What is asked of the API, or of its sweeper, with every choice made. */
export type Action =
  | OneOf<'pause' | 'cancel' | 'delete' | 'look', { readonly id: string }>
  | {
      readonly kind: 'resume';
      readonly id: string;
      readonly choice: string;
      readonly allowFallback: boolean;
      readonly dryRun: boolean;
    }
  | {
      readonly kind: 'claim';
      readonly workerId: string;
      readonly claimId: string;
      readonly capabilities: readonly string[];
    }
  | { readonly kind: 'heartbeat'; readonly workerId: string; readonly leases: readonly GrantedLease[] }
  | ({ readonly kind: 'restored'; readonly checkpointId: string | null } & Report)
  | ({ readonly kind: 'restore-failed'; readonly checkpointId: string } & Report)
  | {
      readonly kind: 'commit';
      readonly lease: GrantedLease;
      readonly checkpoint: SavedCheckpoint;
      readonly isStored: boolean;
    }
  | ({ readonly kind: 'save-failed'; readonly isPauseAbandoned: boolean } & Report)
  | ({ readonly kind: 'paused'; readonly checkpointId: string } & Report)
  | ({ readonly kind: 'completed'; readonly checkpointId: string | null } & Report)
  | OneOf<'cancelled' | 'released', Report>
  | ({ readonly kind: 'failed'; readonly code: string } & Report)
  /** One turn of the sweeper; `overdue`: for it, every cancel and every pause has lasted too long. */
  | { readonly kind: 'sweep'; readonly isOverdue: boolean };

/** What came back, in the terms in which the model says what must come back. */
export type Answer =
  { readonly ok: true; readonly [fact: string]: unknown } | { readonly ok: false; readonly code: string };

export interface Freed {
  readonly id: string;
  readonly status: string;
}

export type ActionOf<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;
