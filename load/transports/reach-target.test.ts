import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from '../../mesh/servers/free-ports.js';
import { UsageError } from '../usage-error.js';
import { reachTarget } from './reach-target.js';

describe('The target of a load', () => {
  const forever = new AbortController().signal;

  it('is an error that names the option when nobody listens there', async () => {
    const target = `http://127.0.0.1:${await freePort()}`;
    await assert.rejects(
      reachTarget(target, 300, forever),
      (error: Error) =>
        error instanceof UsageError && /^--target is "http:.* ECONNREFUSED .*npm start/.test(error.message),
    );
  });

  it('may be just starting', async () => {
    const port = await freePort();
    const reached = reachTarget(`http://127.0.0.1:${port}`, 10_000, forever);
    const server = createServer((socket) => socket.on('error', () => undefined));
    // After the first attempt.
    setTimeout(() => server.listen(port, '127.0.0.1'), 100);
    await once(server, 'connection');
    await reached;
    server.close();
  });

  it('is not waited for by who ends the run', async () => {
    const stop = new AbortController();
    const reached = reachTarget(`http://127.0.0.1:${await freePort()}`, 3_600_000, stop.signal);
    stop.abort();
    await reached;
  });
});
