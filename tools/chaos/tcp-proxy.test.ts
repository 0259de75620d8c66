import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { TcpProxy } from './tcp-proxy.js';

/** Answers every chunk with the same bytes. */
async function echoServer(): Promise<{ server: Server; port: number; received: string[] }> {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received.push(chunk.toString());
      socket.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port, received };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Not in time: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves when it is closed, with or without an error. */
const closing = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

describe('the TCP proxy', () => {
  let echo: Awaited<ReturnType<typeof echoServer>>;
  let proxy: TcpProxy;
  const sockets: Socket[] = [];
  let heard = '';

  const open = async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (heard += chunk.toString()));
    await once(socket, 'connect');
    return socket;
  };

  beforeEach(async () => {
    heard = '';
    echo = await echoServer();
    proxy = await TcpProxy.before(echo.port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.close();
    echo.server.close();
  });

  it('passes everything on, both ways', async () => {
    const socket = await open();
    socket.write('hello');
    await until(() => heard === 'hello');
    expect(proxy.isDisturbed).toBe(false);
  });

  it('delays without changing the order, also when the delay ends in between', async () => {
    const socket = await open();
    proxy.slowDown(30);
    const startedAt = performance.now();
    socket.write('a');
    await until(() => echo.received.length > 0);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
    proxy.restore();
    socket.write('b');
    await until(() => heard === 'ab');
  });

  it('alters what goes up, and nothing that comes down', async () => {
    const socket = await open();
    proxy.alterUp = (chunk) => Buffer.from(chunk.toString().toUpperCase());
    socket.write('loud');
    await until(() => heard === 'LOUD');
    proxy.alterUp = undefined;
    socket.write(' quiet');
    await until(() => heard === 'LOUD quiet');
  });

  it('holds one direction back, and delivers it late', async () => {
    const socket = await open();
    proxy.drop('down');
    socket.write('question');
    await until(() => echo.received.join('') === 'question');
    expect(heard).toBe('');
    proxy.restore();
    await until(() => heard === 'question');
  });

  it('loses what was held back together with its connection', async () => {
    const socket = await open();
    const closed = closing(socket);
    proxy.drop('up');
    socket.write('lost');
    proxy.restore({ isLost: true });
    await closed;
    expect(echo.received).toEqual([]);
    const next = await open();
    next.write('found');
    await until(() => heard === 'found');
  });

  it('ends connections while it is cut, and lets new ones in afterwards', async () => {
    const socket = await open();
    const closed = closing(socket);
    proxy.cut();
    await closed;
    const refused = connect(proxy.port, '127.0.0.1');
    refused.on('error', () => undefined);
    await closing(refused);
    proxy.restore();
    (await open()).write('again');
    await until(() => heard === 'again');
  });

  it('resets connections and takes new ones at once', async () => {
    const socket = await open();
    socket.write('first');
    await until(() => heard === 'first');
    const failure = once(socket, 'error');
    proxy.reset();
    expect(await failure).toMatchObject([{ code: 'ECONNRESET' }]);
    (await open()).write('second');
    await until(() => heard === 'firstsecond');
  });
});
