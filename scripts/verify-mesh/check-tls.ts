import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import type { Report } from './report.js';
import { run } from './run.js';
import { callRest, callRpc, eventually, rpc } from './traffic.js';
import { resourcesOf, type World } from './world.js';

const SECRET = 'mesh-gateway-tls';

/** TLS at the gateway: what the component `tls` adds, with a Secret that istiod brings to the gateway. */
export async function checkTls(world: World, report: Report): Promise<void> {
  const host = world.gateway.pod.ip;
  const handshake = (ca: string, options: object = {}) => shakeHands(host, ca, options);
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-tls-'));
  const first = await makeCertificate(folder, 'first', host);
  const second = await makeCertificate(folder, 'second', host);
  world.reset();
  report.check('control: without the component, nobody listens for TLS', (await handshake(first.cert)) === 'no');
  const component = await resourcesOf('scripts/verify-mesh/fixtures/tls');
  const names = ['AuthorizationPolicy/mesh-gateway', 'Service/mesh-gateway', 'Gateway/edge'];
  const changed = names.map((name) => component.find(({ kind, metadata }) => `${kind}/${metadata.name}` === name));
  await world.withAll(changed, async () => {
    report.check(
      'TLS: plain HTTP is sent to HTTPS',
      await eventually(async () => {
        const { status: code, headers } = await callRest(`http://${world.edge}/v1/threads`);
        return code === 301 && headers.location?.startsWith('https://') === true;
      }),
    );
    const early = await handshake(first.cert);
    report.check('control: without the Secret, no handshake comes to an end', early === 'no', early);
    await putSecret(world, first);
    const taken = await eventually(async () => (await handshake(first.cert)) === 'h2');
    report.check('TLS: with it, and HTTP/2 offered', taken, await handshake(first.cert));
    const grpc = await callRpc(`${host}:8443`, rpc.getThread, { as: credentials.createSsl(Buffer.from(first.cert)) });
    report.check('TLS: gRPC', grpc.code === status.OK, grpc.details);
    const rest = await callRest(`https://${host}:8443/v1/threads`, { ca: first.cert });
    report.check('TLS: REST', rest.status === 200, `${rest.status} ${rest.text}`);
    const lost = await callRest(`https://${host}:8443/v2`, { ca: first.cert });
    report.check(
      'TLS: errors of REST in the older shape',
      lost.status === 404 && lost.text.trim() === '{"error_messages":["path is not found"]}',
      `${lost.status} ${lost.text}`,
    );
    const old = await handshake(first.cert, {
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    });
    report.check('TLS: version 1.1 is refused', old === 'no', old);
    const stranger = await handshake(second.cert);
    report.check('control: a client that trusts another certificate goes away', stranger === 'no', stranger);
    await putSecret(world, second);
    report.check(
      'TLS: a renewed certificate is taken without a restart',
      await eventually(async () => (await handshake(second.cert)) === 'h2'),
    );
  });
  await world.api.kubectl(['delete', 'secret', SECRET, '-n', 'threadweaver']);
  await rm(folder, { recursive: true, force: true });
  report.check(
    'control: without the component again, plain HTTP is answered',
    await eventually(async () => (await callRest(`http://${world.edge}/v1/threads`)).status === 200),
  );
}

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

async function makeCertificate(folder: string, name: string, ip: string): Promise<Certificate> {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${ip}`];
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  await run('openssl', ['req', '-x509', ...form, ...subject, '-keyout', key, '-out', cert]);
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

async function putSecret(world: World, { cert, key }: Certificate): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: SECRET, namespace: 'threadweaver' },
    stringData: { 'tls.crt': cert, 'tls.key': key },
  };
  await world.api.kubectl(['apply', '-f', '-'], JSON.stringify(secret));
}

/** The protocol that a handshake agreed on, or `no`. */
async function shakeHands(host: string, ca: string, options: object): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 8443, ca, ALPNProtocols: ['h2', 'http/1.1'], ...options });
    const end = (outcome: string) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(3_000, () => end('no'));
    socket.once('secureConnect', () => end(socket.alpnProtocol || 'none'));
    socket.once('error', () => end('no'));
    socket.once('close', () => end('no'));
  });
}
