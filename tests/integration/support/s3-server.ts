import { createRequire } from 'node:module';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** The part of s3rver (https://github.com/jamhall/s3rver) that is used here; it has no types of its own. */
type S3rver = new (options: {
  readonly address: string;
  readonly port: number;
  readonly silent: boolean;
  readonly directory: string;
  readonly configureBuckets: readonly { readonly name: string }[];
}) => { run(): Promise<AddressInfo>; close(): Promise<void> };

const S3Server = createRequire(import.meta.url)('s3rver') as S3rver;

/** The only credentials that s3rver knows. */
export const S3_CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

export interface RunningS3 {
  readonly port: number;
  readonly endpoint: string;
  close(): Promise<void>;
}

/** An S3 server on a loopback port that keeps its objects in `directory`. */
export async function startS3(options: {
  readonly directory: string;
  readonly bucket: string;
  readonly port?: number;
}): Promise<RunningS3> {
  const { directory, bucket, port = 0 } = options;
  const server = new S3Server({
    address: '127.0.0.1',
    port,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket }],
  });
  const address = await server.run();
  return {
    port: address.port,
    endpoint: `http://127.0.0.1:${address.port}`,
    close: () => server.close(),
  };
}

/** What a fault does to one request instead of passing it on; `pass` passes it on. */
export type Fault = 'pass' | 'answer-503' | 'cut-body' | 'drop';

/** A proxy before an S3 server that applies the next fault of `faults` to each request, and none when they run out. */
export async function startFaultyProxy(target: RunningS3, faults: Fault[]): Promise<RunningS3> {
  const server: Server = createServer((incoming, outgoing) => {
    const fault = faults.shift() ?? 'pass';
    if (fault === 'drop') incoming.socket.destroy();
    else if (fault === 'answer-503') {
      incoming.resume();
      outgoing.writeHead(503).end();
    } else forward(incoming, outgoing, target.port, fault === 'cut-body');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The only cipher of `startTlsFront`, which needs no certificate and which Node offers only when told to. */
export const ANONYMOUS_CIPHER = 'AECDH-AES256-SHA:@SECLEVEL=0';

/** TLS before an S3 server, for clients that check no certificates. */
export async function startTlsFront(target: RunningS3): Promise<RunningS3> {
  const server = createTlsServer({ ciphers: ANONYMOUS_CIPHER, maxVersion: 'TLSv1.2' }, (client) => {
    const onward = connect(target.port, '127.0.0.1');
    client.on('error', () => onward.destroy());
    onward.on('error', () => client.destroy());
    client.pipe(onward).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    endpoint: `https://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number, cutsBody: boolean): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (!cutsBody) answer.pipe(outgoing);
    else {
      answer.once('data', (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, chunk.length / 2), () => outgoing.destroy());
        answer.destroy();
      });
    }
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}
