import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** `up`: from who connects to who is connected to. */
export type Direction = 'up' | 'down';

type Alteration = (chunk: Buffer) => Buffer;

interface Pair {
  readonly inbound: Socket;
  readonly outbound: Socket;
  readonly lanes: Readonly<Record<Direction, Lane>>;
}

/** One direction of one connection: what comes in leaves in the same order, later if need be. */
class Lane {
  private readonly queue: { readonly chunk: Buffer; readonly at: number }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isHeld = false;
  private hasEnded = false;
  private lastAt = 0;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly delayMs: () => number,
    alter: Alteration = (chunk) => chunk,
  ) {
    from.on('data', (chunk: Buffer) => {
      this.lastAt = Math.max(this.lastAt, performance.now() + this.delayMs());
      this.queue.push({ chunk: alter(chunk), at: this.lastAt });
      this.pump();
    });
    from.on('end', () => {
      this.hasEnded = true;
      this.pump();
    });
    to.on('drain', () => this.isHeld || from.resume());
  }

  hold(): void {
    this.isHeld = true;
    this.from.pause();
    clearTimeout(this.timer);
  }

  release(): void {
    this.isHeld = false;
    this.from.resume();
    this.pump();
  }

  private pump(): void {
    clearTimeout(this.timer);
    if (this.isHeld || this.to.destroyed) return;
    for (let next = this.queue[0]; next; next = this.queue[0]) {
      const waitMs = next.at - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.queue.shift();
      if (!this.to.write(next.chunk)) this.from.pause();
    }
    if (this.hasEnded) this.to.end();
  }
}

/** A loopback address in front of another one, on which the network can be as bad as wanted. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private readonly held = new Set<Direction>();
  /** What becomes of all that goes up from now on; `restore` leaves it. */
  alterUp: Alteration | undefined;
  private isCut = false;
  private delay = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly targetPort: number,
  ) {
    server.on('connection', (inbound) => this.join(inbound));
  }

  /** Listens on a free port of 127.0.0.1, in front of another one there. */
  static async before(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The system gave the proxy no port');
    return new TcpProxy(server, address.port, targetPort);
  }

  /** Whether anything is wrong with it now. */
  get isDisturbed(): boolean {
    return this.isCut || this.delay > 0 || this.held.size > 0;
  }

  /** Everything arrives this much later, in order. */
  slowDown(delayMs: number): void {
    this.delay = delayMs;
  }

  /** Nothing arrives in this direction any more, and nobody is told. New connections are no better. */
  drop(direction: Direction): void {
    this.held.add(direction);
    for (const { lanes } of this.pairs) lanes[direction].hold();
  }

  /** Every connection ends, and every new one ends at once. */
  cut(): void {
    this.isCut = true;
    for (const { inbound, outbound } of this.pairs) {
      inbound.destroy();
      outbound.destroy();
    }
  }

  /** Every connection is torn down with RST; new ones are welcome. */
  reset(): void {
    for (const { inbound, outbound } of this.pairs) {
      inbound.resetAndDestroy();
      outbound.resetAndDestroy();
    }
  }

  /** All is well again. What was dropped arrives now, late, unless `isLost`: then its connections are reset. */
  restore({ isLost = false } = {}): void {
    this.isCut = false;
    this.delay = 0;
    if (this.held.size > 0 && isLost) this.reset();
    this.held.clear();
    for (const { lanes } of this.pairs) for (const lane of [lanes.up, lanes.down]) lane.release();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(inbound: Socket): void {
    if (this.isCut) {
      inbound.on('error', () => undefined);
      inbound.resetAndDestroy();
      return;
    }
    const outbound = connect(this.targetPort, '127.0.0.1');
    const delayMs = (): number => this.delay;
    const alter: Alteration = (chunk) => this.alterUp?.(chunk) ?? chunk;
    const lanes = { up: new Lane(inbound, outbound, delayMs, alter), down: new Lane(outbound, inbound, delayMs) };
    for (const direction of this.held) lanes[direction].hold();
    const pair = { inbound, outbound, lanes };
    this.pairs.add(pair);
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined); // its close tells
      socket.on('close', () => {
        this.pairs.delete(pair);
        other.destroy();
      });
    }
  }
}
