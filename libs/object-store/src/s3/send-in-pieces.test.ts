import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { sendInPieces } from './bounded-memory.js';

type Handler = Extract<S3ClientConfig['requestHandler'], { handle: unknown }>;
type Answer = Awaited<ReturnType<Handler['handle']>>;

interface Sent {
  readonly headers: Record<string, string>;
  readonly body: unknown;
  readonly bytes: Buffer;
}

/** A client whose server answers with `statuses`, one after the other, and what was sent to it. */
function givenClient(endpoint: string, statuses: readonly number[]): { client: S3Client; sent: Sent[] } {
  const sent: Sent[] = [];
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      async handle({ headers, body }: Sent) {
        sent.push({
          headers,
          body,
          bytes: body instanceof Readable ? await buffer(body) : Buffer.from(body as Buffer),
        });
        const statusCode = statuses[sent.length - 1];
        return { response: { statusCode, headers: {}, body: Readable.from([]) } } as unknown as Answer;
      },
    },
  });
  sendInPieces(client);
  return { client, sent };
}

const put = (client: S3Client, Body: Uint8Array) => client.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body }));

describe('sendInPieces', () => {
  const body = randomBytes(3_000_001);

  it('sends a large body as a stream over TLS, and all of it again after a failure', async () => {
    const { client, sent } = givenClient('https://localhost', [503, 200]);
    await put(client, body);
    expect(sent.map(({ body: stream }) => stream instanceof Readable)).toEqual([true, true]);
    expect(sent.map(({ bytes }) => bytes.equals(body))).toEqual([true, true]);
    expect(sent[1]?.headers).toMatchObject({ 'content-length': `${body.length}` });
  });

  it.each([
    ['a small one', 'https://localhost', body.subarray(0, 1_000)],
    ['one that is not encrypted', 'http://localhost', body],
  ])('sends %s as it is', async (_, endpoint, bytes) => {
    const { client, sent } = givenClient(endpoint, [200]);
    await put(client, bytes);
    expect(sent.map(({ body: as }) => as)).toEqual([bytes]);
  });
});
