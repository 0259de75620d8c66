import type { BackendName } from '@ktrdr/specs';

/** A backend that is loaded. */
export interface Engine {
  /** Its name in TensorFlow.js. */
  readonly name: string;
  readonly version: string;
}

/** What this machine has for one backend name. */
export type FoundBackend =
  | {
      readonly name: BackendName;
      readonly usable: true;
      /** Null: not known before it is loaded. */
      readonly version: string | null;
      /** Loads it, once. Rejects with what is missing and how to get it. */
      readonly engine: () => Promise<Engine>;
    }
  | {
      readonly name: BackendName;
      readonly usable: false;
      /** What is missing, and how to get it. */
      readonly problem: string;
      /** It is installed and does not work, so the worker warns. */
      readonly isBroken?: boolean;
    };
