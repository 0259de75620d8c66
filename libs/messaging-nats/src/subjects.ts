/** Names on the wire, all of them below one prefix so that several deployments can use one server. */
export interface Subjects {
  /** That this pool has work. */
  work(pool: string): string;
  /** That something was written which streams of events show. */
  readonly recorded: string;
  /** Where the worker of this key sends that request. */
  rpc(nkey: string, method: string): string;
  /** Where requests of that method come from every asker. */
  rpcOfAll(method: string): string;
  /** What is said to the worker of this key alone. */
  control(nkey: string): string;
}

const TOKEN = /^[^\s.*>]+$/;

/** One subject token: whatever came from outside must not add levels or wildcards. */
function token(value: string): string {
  if (!TOKEN.test(value)) throw new RangeError(`"${value}" cannot be part of a NATS subject`);
  return value;
}

export function subjectsOf(prefix: string): Subjects {
  const root = token(prefix);
  return {
    work: (pool) => `${root}.work.${token(pool)}`,
    recorded: `${root}.recorded`,
    rpc: (nkey, method) => `${root}.rpc.${token(nkey)}.${token(method)}`,
    rpcOfAll: (method) => `${root}.rpc.*.${token(method)}`,
    control: (nkey) => `${root}.control.${token(nkey)}`,
  };
}

/** The headers of a request. */
export const RPC_HEADERS = {
  protocol: 'Ktrdr-Protocol',
  /** The process whose clock `sentAt` is of. */
  clock: 'Ktrdr-Clock',
  /** Milliseconds of that clock. */
  sentAt: 'Ktrdr-Sent-At',
  /** Milliseconds that the client waits for the answer. */
  waits: 'Ktrdr-Waits',
} as const;
