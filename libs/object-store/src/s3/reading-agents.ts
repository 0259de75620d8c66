import { Agent as HttpAgent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { OnReadOpts } from 'node:net';
import type { Duplex } from 'node:stream';

/** Node reads no more at once either. */
const READ_BYTES = 64 * 1024;

/** Node's agents for both schemes, except that each connection reads into one buffer, again and again. */
export function readingAgents(options: AgentOptions): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  return { httpAgent: new ReadingHttpAgent(options), httpsAgent: new ReadingHttpsAgent(options) };
}

class ReadingHttpAgent extends HttpAgent {
  override createConnection(options: ClientRequestArgs): Duplex {
    return withOneBuffer((onread) => super.createConnection({ ...options, onread } as ClientRequestArgs) as Duplex);
  }
}

class ReadingHttpsAgent extends HttpsAgent {
  override createConnection(options: RequestOptions): Duplex {
    return withOneBuffer((onread) => super.createConnection({ ...options, onread } as RequestOptions) as Duplex);
  }
}

/**
 * A socket allocates memory for each piece that it reads, which is garbage as soon as the HTTP parser has copied out of
 * it what belongs to the body, and which the collector lets gather. So the parser gets a view of one buffer instead.
 */
function withOneBuffer(connect: (onread: OnReadOpts) => Duplex): Duplex {
  let buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const connection: { socket?: Duplex } = {}; // asks for its first buffer before it is there
  connection.socket = connect({
    buffer() {
      // A socket that is paused holds on to what it was given, and with it to the buffer.
      if (connection.socket && connection.socket.readableLength > 0) buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      return buffer;
    },
    callback: (bytes, into) => connection.socket?.push(into.subarray(0, bytes)) ?? false,
  });
  return connection.socket;
}
