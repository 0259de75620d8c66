import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One HTTP request over a connection of its own, sent piece by piece. */
export class RawRequest {
  private received = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    socket.on('error', () => undefined); // the answer that is missing tells
  }

  static async begin(url: string, firstPiece: string): Promise<RawRequest> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const request = new RawRequest(socket);
    await request.send(firstPiece);
    return request;
  }

  async send(piece: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Everything that was answered, once the other side has ended the connection. */
  async answer(): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
    if (!this.socket.closed) await once(this.socket, 'close');
    const [head = '', body = ''] = this.received.split('\r\n\r\n');
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body };
  }
}
