import type { BackendName } from '@ktrdr/specs';

/** A backend that is loaded. */
export interface Engine {
  /** What TensorFlow.js knows it as. */
  readonly name: string;
  readonly version: string;
}

/** What there is on this machine for one backend name. */
export type FoundBackend =
  | {
      readonly name: BackendName;
      readonly usable: true;
      /** Null: it says so only when it is loaded. */
      readonly version: string | null;
      /** Loads it, once. Rejects with what is missing and how to get it. */
      readonly engine: () => Promise<Engine>;
    }
  | {
      readonly name: BackendName;
      readonly usable: false;
      /** What is missing, and how to get it. */
      readonly problem: string;
      /** It is there and does not work, which somebody has to know. */
      readonly isBroken?: boolean;
    };
