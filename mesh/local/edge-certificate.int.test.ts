import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { generate } from 'selfsigned';
import { CannedServices } from '../envoy/testing/canned-services.js';
import { startEnvoy, type TestEnvoy } from '../envoy/testing/start-envoy.js';
import { freePort } from '../servers/index.js';
import { edgeCertificateFileOf, keepEdgeCertificate, ownCertificateOf } from './edge-certificate.js';

describe("Envoy's TLS", function () {
  this.timeout(30_000);
  let dataDir: string;
  let services: CannedServices;
  let envoy: TestEnvoy;
  let port: number;
  let stop: () => void;
  const troubles: string[] = [];
  const sessions: ClientHttp2Session[] = [];

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'threadweaver-tls-'));
    stop = await keepEdgeCertificate(dataDir, undefined, ({ message }) => troubles.push(message));
    services = await CannedServices.start();
    port = await freePort();
    envoy = await startEnvoy(services.port, { tls: { port, certificateFile: edgeCertificateFileOf(dataDir) } });
  });
  after(async () => {
    for (const session of sessions) session.destroy();
    await envoy?.stop();
    services?.stop();
    stop?.();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Who is shown to a new connection, and what it then speaks. */
  async function shown(options: object = { rejectUnauthorized: false }) {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ALPNProtocols: ['h2'], ...options });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return { name: subject.CN, protocol: socket.alpnProtocol };
  }
  async function openHttp2(): Promise<ClientHttp2Session> {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    sessions.push(session);
    await once(session, 'connect');
    return session;
  }
  /** @returns the status, 0 when the connection broke */
  async function call(session: ClientHttp2Session): Promise<number> {
    const stream = session.request({ ':path': '/v1/threads' });
    let status = 0;
    stream.on('response', (headers) => (status = headers[':status'] ?? 0));
    stream.on('error', () => undefined);
    stream.resume().end();
    await once(stream, 'close');
    return status;
  }
  const pair = (name: string) =>
    generate([{ name: 'commonName', value: name }], { keyType: 'ec', algorithm: 'sha256' });

  it('has a certificate of its own, that clients can trust by its file, and keeps it', async () => {
    const { certificate } = ownCertificateOf(dataDir);
    const ca = readFileSync(certificate);
    assert.equal((await shown({ ca })).name, 'Thread Weaver on this machine');
    (await keepEdgeCertificate(dataDir, undefined, assert.fail))();
    assert.equal((await shown({ ca })).name, 'Thread Weaver on this machine');
  });

  it('serves what the other ports serve, by HTTP/2 and HTTP/1.1, and says to come by TLS only', async () => {
    assert.equal((await shown()).protocol, 'h2');
    assert.equal(await call(await openHttp2()), 200);
    const asked = request({ port, path: '/v1/threads/T?account_id=A', rejectUnauthorized: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(await text(answer), '{"error_messages":[]}');
    assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000');
    assert.equal(services.lastCall.path, '/threadweaver.legacy.thread.v1.ThreadRestQueryService/GetThread');
  });

  it('shows a new certificate without a call lost, and not what fits nowhere', async () => {
    const files = ownCertificateOf(dataDir);
    const open = await openHttp2();
    const statuses = new Set<number>();
    let running = true;
    const calls = (async () => {
      while (running) {
        statuses.add(await call(open));
        const fresh = await openHttp2();
        statuses.add(await call(fresh));
        fresh.destroy();
      }
    })();
    const next = await pair('next');
    writeFileSync(files.certificate, next.cert);
    while (troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.match(troubles[0] ?? '', /key\.pem is not the key of the certificate .*certificate\.pem/);
    assert.equal((await shown()).name, 'Thread Weaver on this machine');
    writeFileSync(files.key, next.private);
    while ((await shown()).name !== 'next') await new Promise((resolve) => setTimeout(resolve, 50));
    running = false;
    await calls;
    assert.deepEqual([...statuses], [200]);
  });

  it('does not start with files that are none', async () => {
    const { certificate, key } = ownCertificateOf(dataDir);
    const without = { certificate, key: join(dataDir, 'none.pem') };
    await assert.rejects(
      keepEdgeCertificate(dataDir, without, assert.fail),
      /none\.pem cannot be used for TLS: ENOENT/,
    );
    const swapped = { certificate: key, key: certificate };
    await assert.rejects(keepEdgeCertificate(dataDir, swapped, assert.fail), /key\.pem cannot be used for TLS/);
  });
});
