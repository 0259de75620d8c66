/** Names on the wire, all of them below one prefix so that several deployments can use one server. */
export interface Subjects {
  readonly dispatchStream: string;
  readonly eventStream: string;
  readonly allDispatch: string;
  readonly allEvents: string;
  dispatch(pool: string): string;
  /** Told, and stored nowhere: work that is about to wait. */
  foretold(pool: string): string;
  dispatchConsumer(pool: string): string;
  events(operationId: string): string;
  /** Where this asker sends that request. */
  rpc(asker: string, method: string): string;
  /** Where requests of that method come from every asker. */
  rpcOfAll(method: string): string;
  control(workerId: string): string;
}

const TOKEN = /^[^\s.*>]+$/;

/** One subject token: whatever came from outside must not add levels or wildcards. */
function token(value: string): string {
  if (!TOKEN.test(value)) throw new RangeError(`"${value}" cannot be part of a NATS subject`);
  return value;
}

export function subjectsOf(prefix: string): Subjects {
  const root = token(prefix);
  const stream = root.toUpperCase().replaceAll('-', '_');
  return {
    dispatchStream: `${stream}_DISPATCH`,
    eventStream: `${stream}_EVENTS`,
    allDispatch: `${root}.dispatch.*`,
    allEvents: `${root}.events.*`,
    dispatch: (pool) => `${root}.dispatch.${token(pool)}`,
    foretold: (pool) => `${root}.foretold.${token(pool)}`,
    dispatchConsumer: (pool) => `dispatch-${token(pool)}`,
    events: (operationId) => `${root}.events.${token(operationId)}`,
    rpc: (asker, method) => `${root}.rpc.${token(asker)}.${token(method)}`,
    rpcOfAll: (method) => `${root}.rpc.*.${token(method)}`,
    control: (workerId) => `${root}.control.${token(workerId)}`,
  };
}
