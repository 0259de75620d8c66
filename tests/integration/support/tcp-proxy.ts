import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP address in front of another one, which a test can take away. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private isSilent = false;

  private constructor(
    private readonly target: { readonly host: string; readonly port: number },
    private listeningPort: number,
  ) {}

  /** @param url whose host and port are stood in for */
  static async before(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) }, 0);
    await proxy.open();
    return proxy;
  }

  get port(): number {
    return this.listeningPort;
  }

  /** The same address with this proxy's port. */
  through(url: string): string {
    const address = new URL(url);
    address.hostname = '127.0.0.1';
    address.port = String(this.listeningPort);
    return address.href;
  }

  /** Ends every connection and refuses new ones. */
  async cut(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (!server) return;
    server.close();
    await once(server, 'close');
  }

  /** Nothing passes any more, and nobody is told: a cable that was pulled. */
  silence(): void {
    this.isSilent = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** Lets everything pass again, on the same port. What was held back is lost with its connection. */
  async restore(): Promise<void> {
    if (this.isSilent) {
      this.isSilent = false;
      for (const socket of this.sockets) socket.destroy();
    }
    if (!this.server) await this.open();
  }

  private async open(): Promise<void> {
    const server = createServer((inbound) => this.join(inbound));
    server.listen(this.listeningPort, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (!address || typeof address === 'string') throw new Error('The proxy has no port');
    this.listeningPort = address.port;
    this.server = server;
  }

  private join(inbound: Socket): void {
    const outbound = connect(this.target);
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      if (this.isSilent) socket.pause();
      socket.on('data', (chunk) => {
        if (!other.write(chunk)) socket.pause();
      });
      socket.on('drain', () => this.isSilent || other.resume());
      socket.on('error', () => undefined); // its close tells
      socket.on('end', () => other.end());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
