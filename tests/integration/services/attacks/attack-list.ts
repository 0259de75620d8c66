/** One thing that a worker which has gone over to the enemy tries. */
export interface Attack {
  readonly name: string;
  /** Of a subscription: where it listens, and in which queue group. */
  readonly listen?: { readonly subject: string; readonly queue?: string };
  /** Of a publication; `reply` where it is not the attacker's own inbox. */
  readonly say?: {
    readonly subject: string;
    readonly body: string;
    readonly reply?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

/** Who and what there is to attack. */
export interface Targets {
  readonly prefix: string;
  /** Keys: of the attacker, of a worker of the pool `default`, and of one of the pool `gpu`. */
  readonly own: string;
  readonly victim: string;
  readonly other: string;
  /** Inbox of the API. */
  readonly apiInbox: string;
  readonly account: string;
  readonly serverId: string;
  readonly stream: string;
  readonly consumer: string;
}

const json = (value: unknown): string => JSON.stringify(value);

/** Listening for what is said to others. */
export function subscriptions(targets: Targets): readonly Attack[] {
  const { prefix, own, victim, account, apiInbox } = targets;
  const all: readonly (string | readonly [string, string])[] = [
    '>',
    '*',
    '*.>',
    '*.*.*',
    `${prefix}.>`,
    `${prefix}.*`,
    `${prefix}.*.>`,
    `${prefix}.rpc.>`,
    `${prefix}.rpc.*.*`,
    [`${prefix}.rpc.*.*`, 'api'],
    `${prefix}.rpc.*.heartbeat`,
    [`${prefix}.rpc.*.heartbeat`, 'api'],
    `${prefix}.rpc.${victim}.*`,
    [`${prefix}.rpc.${victim}.heartbeat`, 'api'],
    [`${prefix}.rpc.${own}.heartbeat`, 'api'],
    `${prefix}.control.>`,
    `${prefix}.control.*`,
    `${prefix}.control.${victim}`,
    `${prefix}.work.>`,
    `${prefix}.work.*`,
    `${prefix}.work.default`,
    [`${prefix}.work.default`, 'idle'],
    `${prefix}.recorded`,
    '_INBOX.>',
    '_INBOX.*.*',
    `_INBOX.${victim}.>`,
    [`_INBOX.${victim}.>`, 'q'],
    `_INBOX.${victim}.t`,
    '_API.>',
    `${apiInbox}.>`,
    '$SYS.>',
    '$SYS.ACCOUNT.>',
    `$SYS.ACCOUNT.${account}.CONNECT`,
    `$SYS.ACCOUNT.${account}.DISCONNECT`,
    '$JS.>',
    '$JS.API.>',
    '$JS.ACK.>',
    '$JS.EVENT.>',
    '$KV.>',
  ];
  return all.map((each) => {
    const [subject, queue] = typeof each === 'string' ? [each] : each;
    return {
      name: `listens on ${subject}${queue ? ` in ${queue}` : ''}`,
      listen: { subject, ...(queue ? { queue } : {}) },
    };
  });
}

/** Speaking where others listen: as another worker, as the API, to JetStream and to the server itself. */
export function publications(targets: Targets): readonly Attack[] {
  const { prefix, victim, other, account, apiInbox, serverId, stream, consumer } = targets;
  const api = '$JS.API';
  const ack = `$JS.ACK.${stream}.${consumer}.1.1.1.1700000000000000000.0`;
  const newStream = { name: 'ROGUE', subjects: ['rogue.>'] };
  const taken = { name: 'ROGUE', subjects: [`${prefix}.recorded`] };
  const update = { name: stream, subjects: ['stored.>', 'more.>'], max_msgs: 1 };
  const durable = { durable_name: 'rogue', ack_policy: 'none', deliver_policy: 'all' };
  const push = { ...durable, deliver_subject: `${prefix}.control.${victim}` };
  const heartbeat = json({ worker_id: 'victim', free_slots: 9, leases: [] });
  const all: readonly (readonly [string, string])[] = [
    [`${prefix}.rpc.${victim}.heartbeat`, heartbeat],
    [`${prefix}.rpc.${other}.heartbeat`, heartbeat],
    [`${prefix}.control.${victim}`, '{}'],
    [`${prefix}.control.${victim}`, json({ work_waits: true })],
    [`${prefix}.control.${other}`, 'not JSON'],
    [`${prefix}.work.default`, ''],
    [`${prefix}.work.gpu`, ''],
    [`${prefix}.recorded`, ''],
    [`_INBOX.${victim}.t`, json({ ok: true, reply: {} })],
    [`_INBOX.${victim}.mux.1`, json({ ok: true, reply: {} })],
    [`_INBOX.${other}.t`, 'x'],
    [`${apiInbox}.t`, 'x'],
    [`${api}.INFO`, ''],
    [`${api}.STREAM.CREATE.ROGUE`, json(newStream)],
    [`${api}.STREAM.CREATE.ROGUE`, json(taken)],
    [`${api}.STREAM.UPDATE.${stream}`, json(update)],
    [`${api}.STREAM.NAMES`, ''],
    [`${api}.STREAM.LIST`, ''],
    [`${api}.STREAM.INFO.${stream}`, ''],
    [`${api}.STREAM.DELETE.${stream}`, ''],
    [`${api}.STREAM.PURGE.${stream}`, ''],
    [`${api}.STREAM.PURGE.${stream}`, json({ filter: 'stored.1' })],
    [`${api}.STREAM.MSG.DELETE.${stream}`, json({ seq: 1 })],
    [`${api}.STREAM.MSG.GET.${stream}`, json({ seq: 1 })],
    [`${api}.DIRECT.GET.${stream}`, json({ seq: 1 })],
    [`${api}.STREAM.SNAPSHOT.${stream}`, json({ deliver_subject: `${prefix}.control.${victim}` })],
    [`${api}.STREAM.RESTORE.ROGUE`, json({ config: newStream, state: {} })],
    [`${api}.STREAM.LEADER.STEPDOWN.${stream}`, ''],
    [`${api}.STREAM.PEER.REMOVE.${stream}`, json({ peer: 'p' })],
    [`${api}.STREAM.TEMPLATE.NAMES`, ''],
    [
      `${api}.CONSUMER.CREATE.${stream}`,
      json({ stream_name: stream, config: { ...durable, durable_name: undefined } }),
    ],
    [`${api}.CONSUMER.CREATE.${stream}.rogue`, json({ stream_name: stream, config: durable })],
    [`${api}.CONSUMER.DURABLE.CREATE.${stream}.rogue`, json({ stream_name: stream, config: durable })],
    [`${api}.CONSUMER.DURABLE.CREATE.${stream}.rogue`, json({ stream_name: stream, config: push })],
    [`${api}.CONSUMER.NAMES.${stream}`, ''],
    [`${api}.CONSUMER.LIST.${stream}`, ''],
    [`${api}.CONSUMER.INFO.${stream}.${consumer}`, ''],
    [`${api}.CONSUMER.DELETE.${stream}.${consumer}`, ''],
    [`${api}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, '1'],
    [`${api}.CONSUMER.LEADER.STEPDOWN.${stream}.${consumer}`, ''],
    [`${api}.CONSUMER.PAUSE.${stream}.${consumer}`, json({ pause_until: '2099-01-01T00:00:00Z' })],
    [`${api}.CONSUMER.UNPIN.${stream}.${consumer}`, json({ group: 'g' })],
    [`${api}.META.LEADER.STEPDOWN`, ''],
    [`${api}.SERVER.REMOVE`, json({ peer: 'p' })],
    [`${api}.ACCOUNT.PURGE.${account}`, ''],
    [ack, '+ACK'],
    [ack, '-NAK'],
    [ack, '+WPI'],
    [ack, '+TERM'],
    [ack, '+NXT'],
    ['stored.2', 'forged'],
    ['$KV.bucket.key', 'x'],
    ['$O.bucket.C.x', 'x'],
    ['$SYS.REQ.USER.INFO', ''],
    ['$SYS.REQ.SERVER.PING', ''],
    [`$SYS.REQ.SERVER.${serverId}.RELOAD`, ''],
    ['$SYS.REQ.SERVER.PING.CONNZ', ''],
    [`$SYS.REQ.ACCOUNT.${account}.CONNZ`, ''],
    ['$SYS.REQ.CLAIMS.UPDATE', 'x'],
    ['$SYS.REQ.CLAIMS.LIST', ''],
    [`$SYS.ACCOUNT.${account}.CONNECT`, '{}'],
  ];
  return all.map(([subject, body]) => ({
    name: `says ${body.length > 30 ? `${body.slice(0, 30)}…` : JSON.stringify(body)} on ${subject}`,
    say: { subject, body },
  }));
}

/** Requests of its own that have their answer sent to somebody else, or their way told to somebody else. */
export function replies(targets: Targets): readonly Attack[] {
  const { prefix, own, victim, other, apiInbox, stream, consumer } = targets;
  const subject = `${prefix}.rpc.${own}.heartbeat`;
  const body = json({ worker_id: 'rogue', free_slots: 1, leases: [] });
  const all = [
    `_INBOX.${victim}.t`,
    `_INBOX.${other}.mux.1`,
    `_INBOX.${own}`,
    `${prefix}.control.${victim}`,
    `${prefix}.work.default`,
    `${prefix}.recorded`,
    `${prefix}.rpc.${victim}.heartbeat`,
    `${apiInbox}.t`,
    `$JS.API.STREAM.DELETE.${stream}`,
    `$JS.API.CONSUMER.DELETE.${stream}.${consumer}`,
  ];
  const traced = { 'Nats-Trace-Dest': `_INBOX.${victim}.t`, 'Nats-Trace-Only': 'true' };
  return [
    ...all.map((reply) => ({ name: `has its answer sent to ${reply}`, say: { subject, body, reply } })),
    { name: 'has its way traced to the inbox of another', say: { subject, body, headers: traced } },
  ];
}
