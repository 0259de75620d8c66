import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { openControlChannel } from './control-lines.js';

const START = {
  type: 'start',
  operation_id: 'op_training_20261122_101500_k3v9qa',
  attempt: 1,
  spec: {},
  spec_sha256: 'c',
  data_file: null,
  spool_dir: '/spool',
  resume: null,
};

function open() {
  const input = new PassThrough();
  const closed = Promise.withResolvers<void>();
  const channel = openControlChannel(input, () => closed.resolve());
  const send = (...lines: unknown[]) =>
    input.write(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return { input, channel, send, closed: closed.promise };
}

describe('the control channel', () => {
  it('gives the start, and queues everything else', async () => {
    const { channel, send } = open();
    send(START, '', { type: 'save', request_id: 'a', kind: 'manual' }, { type: 'stop', boundary: 'epoch', save: null });
    expect(await channel.start).toEqual({ ...START, operation_type: 'training', accepted_spec_sha256: [] });
    expect(channel.requests.stop).toMatchObject({ boundary: 'epoch' });
    expect(channel.requests.takeSaves()).toEqual([{ request_id: 'a', kind: 'manual' }]);
  });

  it.each([
    ['a line that is not JSON', '{"type":'],
    ['a message of an unknown type', { type: 'dance' }],
    ['a message without its fields', { type: 'save' }],
  ])('breaks at %s', async (_, line) => {
    const { channel, send } = open();
    send(line);
    await expect(channel.start).rejects.toMatchObject({ code: 'trainer-protocol-violated' });
    expect(() => channel.requests.check()).toThrow('trainer protocol');
  });

  it('breaks at a second start', async () => {
    const { input, channel, send } = open();
    send(START, START);
    await channel.start;
    input.end();
    await once(input, 'end');
    expect(() => channel.requests.check()).toThrow('second start');
  });

  it('tells when the other side is gone', async () => {
    const { input, closed } = open();
    input.end();
    await expect(closed).resolves.toBeUndefined();
  });
});
