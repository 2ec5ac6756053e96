import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { openPathsOf } from '../../mesh/envoy/open-paths.js';
import { accessRules } from '../../services/access-rules.js';
import type { Report } from './report.js';
import { CONTROL_PLANE_IP } from './tools.js';
import { callRest, callRpc, eventually, pingPong, rpc } from './traffic.js';
import { resourcesOf, type World } from './world.js';

/** Who may call whom: mTLS, the services' policies, tokens at the edge. */
export async function checkAccess(world: World, report: Report): Promise<void> {
  await checkMutualTls(world, report);
  await checkPolicies(world, report);
  await checkNats(world, report);
  await checkTokens(world, report);
}

async function checkMutualTls(world: World, report: Report): Promise<void> {
  const direct = `${world.commandPods[0].ip}:50051`;
  const plain = await callRpc(direct, rpc.add);
  report.check('mTLS: plain text is refused before any policy', plain.code === status.UNAVAILABLE, plain.details);
  const identity = await world.gateway.identity();
  const encrypted = await callRpc(direct, rpc.add, { as: identity });
  report.check("mTLS: the gateway's certificate is taken", encrypted.code === status.OK, encrypted.details);
  await world.with(
    'PeerAuthentication',
    'default',
    (resource) => ({ ...resource, spec: { mtls: { mode: 'PERMISSIVE' } } }),
    async () => {
      // Somebody without a certificate is nobody, which the policies then deny.
      const heard = await eventually(async () => (await callRpc(direct, rpc.add)).code === status.PERMISSION_DENIED);
      report.check('control: PERMISSIVE hears plain text', heard);
    },
  );
  const refused = await eventually(async () => (await callRpc(direct, rpc.add)).code === status.UNAVAILABLE);
  report.check('mTLS: STRICT refuses it again', refused);
}

async function checkPolicies(world: World, report: Report): Promise<void> {
  const command = `${world.commandPods[0].ip}:50051`;
  const query = `${world.queryPod.ip}:50052`;
  const gateway = await world.gateway.identity();
  const stranger = await world.stranger.identity();
  const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const looks = [
    ['the gateway may command', command, rpc.add, gateway, true],
    ['the gateway may query', query, rpc.getThread, gateway, true],
    ['the gateway may not call thread-command by other paths', command, reflection, gateway, false],
    ['a pod of the mesh that no policy names may not command', command, rpc.add, stranger, false],
    ['nor query', query, rpc.getThread, stranger, false],
  ] as const;
  for (const [what, address, path, as, allowed] of looks) {
    const { code, details } = await callRpc(address, path, { as });
    report.check(
      `access: ${what}`,
      code === (allowed ? status.OK : status.PERMISSION_DENIED),
      `${status[code]} ${details}`,
    );
  }
  const open = (policy: { spec: Record<string, unknown> }) => ({ ...policy, spec: { ...policy.spec, rules: [{}] } });
  await world.with('AuthorizationPolicy', 'thread-command', open as never, async () => {
    const passes = await eventually(async () => (await callRpc(command, rpc.add, { as: stranger })).code === status.OK);
    report.check('control: a policy that allows all lets it in', passes);
    const other = await callRpc(query, rpc.getThread, { as: stranger });
    report.check('control: but not to the other service', other.code === status.PERMISSION_DENIED, other.details);
  });
  await world.with(
    'AuthorizationPolicy',
    'thread-command',
    () => undefined,
    async () => {
      const denied = async () => (await callRpc(command, rpc.add, { as: gateway })).code === status.PERMISSION_DENIED;
      report.check('access: without its policy, a service is closed even to the gateway', await eventually(denied));
    },
  );
  const restored = async () => (await callRpc(command, rpc.add, { as: gateway })).code === status.OK;
  report.check('access: and open to it again with it', await eventually(restored));
}

async function checkNats(world: World, report: Report): Promise<void> {
  const hear = async (identity: object) => pingPong(world.natsPod.ip, 4222, identity);
  const command = await world.command.certificates();
  const stranger = await world.stranger.certificates();
  const gateway = await world.gateway.certificates();
  report.check('access: thread-command may reach NATS', (await hear(command)) === 'PONG');
  report.check('access: the gateway may not', (await hear(gateway)) === '');
  report.check('access: nor a pod that no policy names', (await hear(stranger)) === '');
  await world.with(
    'AuthorizationPolicy',
    'nats',
    (policy) => ({ ...policy, spec: { ...policy.spec, rules: [{}] } }),
    async () => {
      report.check(
        'control: a policy that allows all lets it in',
        await eventually(async () => (await hear(stranger)) !== ''),
      );
    },
  );
  report.check('access: and not again with it', await eventually(async () => (await hear(stranger)) === ''));
}

async function checkTokens(world: World, report: Report): Promise<void> {
  const ours = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const theirs = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = { keys: [{ ...ours.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] };
  // As fixtures/jwt/mesh-jwt.yaml has it.
  const issuer = createServer((_, response) => response.end(JSON.stringify(keys))).listen(7080, CONTROL_PLANE_IP);
  await once(issuer, 'listening');
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'https://issuer.example', aud: 'threadweaver', sub: 'someone', exp: now + 600 };
  const url = `http://${world.edge}/v1/threads`;
  const ask = async (token?: string) =>
    callRest(url, { headers: token === undefined ? undefined : { authorization: `Bearer ${token}` } });
  world.reset();
  report.check('control: without the component, no token is asked for', (await ask()).status === 200);
  const names = [
    'RequestAuthentication/mesh-gateway',
    'AuthorizationPolicy/mesh-gateway-token',
    'EnvoyFilter/edge-tokens',
  ];
  const jwt = (await resourcesOf('scripts/verify-mesh/fixtures/jwt')).filter(({ kind, metadata }) =>
    names.includes(`${kind}/${metadata.name}`),
  );
  await world.withAdded(jwt, async () => {
    const good = sign(claims, ours.privateKey);
    const taken = await eventually(async () => (await ask()).status === 403 && (await ask(good)).status === 200);
    report.check('token: a good one is taken, none is refused (403)', taken && jwt.length === names.length);
    const looks = [
      ['signed by somebody else', sign(claims, theirs.privateKey), 401],
      ['that is over', sign({ ...claims, exp: now - 600 }, ours.privateKey), 401],
      ['of another issuer', sign({ ...claims, iss: 'https://other.example' }, ours.privateKey), 401],
      ['for another audience', sign({ ...claims, aud: 'others' }, ours.privateKey), 401],
      ['that is none', 'x.y.z', 401],
    ] as const;
    for (const [what, token, expected] of looks) {
      const response = await ask(token);
      const { text } = response;
      const right = response.status === expected && text.startsWith('{"error_messages":["');
      report.check(
        `token: one ${what} is refused (${expected}), in the older shape`,
        right,
        `${response.status} ${text}`,
      );
    }
    for (const [what, path, authorization] of [
      ['without Bearer', url, good],
      ['in the query', `${url}?access_token=${good}`, undefined],
      ['in the query under its other name', `${url}?token=${good}`, undefined],
    ] as const) {
      const response = await callRest(path, { headers: authorization === undefined ? undefined : { authorization } });
      report.check(`token: one ${what} is taken`, response.status === 200, `${response.status} ${response.text}`);
    }
    for (const path of openPathsOf(accessRules)) {
      const open = await callRpc(world.edge, path);
      const isDenied = [status.PERMISSION_DENIED, status.UNAUTHENTICATED].includes(open.code);
      report.check(`token: ${path} needs none, as the rules say`, !isDenied, open.details);
    }
    const grpc = await callRpc(world.edge, rpc.getThread);
    report.check(
      'token: gRPC without one gets PERMISSION_DENIED',
      grpc.code === status.PERMISSION_DENIED,
      grpc.details,
    );
    const bearer = await callRpc(world.edge, rpc.getThread, { metadata: { authorization: `Bearer ${good}` } });
    report.check('token: gRPC with one passes', bearer.code === status.OK, bearer.details);
    const health = await callRpc(world.edge, rpc.health);
    report.check('token: health checks need none', health.code === status.OK, health.details);
    const preflight = await callRest(url, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'GET' },
    });
    report.check('token: preflights need none', preflight.status === 200, String(preflight.status));
  });
  issuer.closeAllConnections();
  issuer.close();
  report.check(
    'control: without the component again, none is asked for',
    await eventually(async () => (await ask()).status === 200),
  );
}

function sign(claims: object, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${part({ alg: 'RS256', typ: 'JWT', kid: 'one' })}.${part(claims)}`;
  return `${content}.${createSign('RSA-SHA256').update(content).sign(key).toString('base64url')}`;
}
