import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CutProxy } from './cut-proxy.js';

/** Long enough for loopback to bring anything that is on its way. */
const SILENCE_MS = 100;

describe('the proxy that cuts off', () => {
  let echo: Server;
  let proxy: CutProxy;
  let client: Socket;
  let received: string;

  const open = (): Socket => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => (received += data.toString()));
    return socket;
  };
  const until = async (text: string): Promise<void> => {
    while (received !== text) await once(client, 'data');
  };

  // events.once would reject because of the error before it.
  const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await CutProxy.start((echo.address() as AddressInfo).port);
    received = '';
    client = open();
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    echo.close();
  });

  it('passes on both ways, and an end', async () => {
    client.write('one');
    await until('one');
    client.end();
    await once(client, 'close');
  });

  it('is silent, and later brings all that was sent, once and in order', async () => {
    client.write('one');
    await until('one');
    proxy.cut('silent');
    client.write('two');
    await sleep(SILENCE_MS);
    assert.equal(received, 'one');
    assert.ok(!client.destroyed);
    proxy.heal();
    proxy.heal();
    client.write('three');
    await until('onetwothree');
  });

  it('takes a new connection while it is silent, and says nothing on it', async () => {
    proxy.cut('silent');
    client.destroy();
    client = open();
    client.write('two');
    await once(client, 'connect');
    await sleep(SILENCE_MS);
    assert.equal(received, '');
    proxy.heal();
    await until('two');
  });

  it('breaks connections, also new ones, until it is healed', async () => {
    client.write('one');
    await until('one');
    proxy.cut('reset');
    await closed(client);
    await closed(open());
    proxy.heal();
    client = open();
    client.write('two');
    await until('onetwo');
  });
});
