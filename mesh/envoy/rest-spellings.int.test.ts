import assert from 'node:assert/strict';
import { connect, type ClientHttp2Session } from 'node:http2';
import fc from 'fast-check';
import { CannedServices } from './testing/canned-services.js';
import { rawHttp } from './testing/raw-http.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const ORIGIN = 'http://localhost:3000';
const COMMANDS = ['create', 'T/destroy', 'T/administrator-ids/join', 'T/member-ids/leave', 'T/messages/add'];
const QUERIES = ['', '/T', '/T/administrator-ids', '/T/messages', '/T/events'];
const paths = [...COMMANDS.map((path) => `/v1/threads/${path}`), ...QUERIES.map((path) => `/v1/threads${path}`)];

/** One small way to spell a path differently; most change its meaning, or should. */
const insertions = [
  ...[
    '/',
    '//',
    '/.',
    '/./',
    '/..',
    '/../',
    '/%2e',
    '/%2E%2e/',
    '%2F',
    '%2f',
    '%5c',
    '\\',
    ';',
    ';a=b',
    ';a=/../',
    '.',
  ],
  ...['%00', '\u00a0', '%C3%A9', '%', '%zz', '%25', '%252F', '%2', ':', ':verb', '*', '**', '~', '+', '%20', '@', '|'],
  ...[
    '?',
    '??',
    '?x',
    '?x=/create',
    '?thread_id=U&x',
    '&',
    '=',
    '#',
    '%23',
    '%3F',
    '\u00e9',
    '\u00ff',
    '{',
    '}',
    '%7B',
    '$',
  ],
  ...['create', 'v1', 'events', 'x'.repeat(3_000)],
];
const spelling = fc
  .tuple(
    fc.constantFrom(...paths),
    fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...insertions)), { maxLength: 3 }),
    fc.constantFrom('as it is', 'as it is', 'upper case', 'one escaped', 'absolute', 'absolute', 'no slash', 'star'),
  )
  .map(([path, changes, form]) => {
    let text = path;
    // Most at the end, where slashes, queries and parameters are put.
    for (const [at, insertion] of changes) {
      const place = at > 30 ? text.length : at % (text.length + 1);
      text = text.slice(0, place) + insertion + text.slice(place);
    }
    if (form === 'upper case') return text.toUpperCase();
    if (form === 'one escaped')
      return text.replace(/[a-z](?=[^a-z]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
    if (form === 'absolute') return `http://other.example${text}`;
    if (form === 'no slash') return text.slice(1);
    return form === 'star' ? '*' : text;
  });

describe('Spellings of the REST paths', function () {
  this.timeout(60_000);
  let services: CannedServices;
  let envoy: TestEnvoy;
  let session: ClientHttp2Session;
  /** It asks for tokens, but for one list, and there are no keys: none is good. */
  let guarded: TestEnvoy;
  let guardedSession: ClientHttp2Session;
  before(async () => {
    services = await CannedServices.start();
    envoy = await startEnvoy(services.port);
    session = connect(envoy.url);
    const openPaths = ['/v1/threads', '/threadweaver.thread.v1.ThreadQueryService/ListThreads'];
    guarded = await startEnvoy(services.port, {
      tokens: { jwks: [{ host: '127.0.0.1', port: services.port }], openPaths },
    });
    guardedSession = connect(guarded.url);
    services.answer(({ path }) => (path.endsWith('/WatchThread') ? { messages: nothing() } : { response: {} }));
  });
  after(async () => {
    for (const each of [session, guardedSession]) each?.destroy();
    for (const each of [envoy, guarded]) await each?.stop();
    services.stop();
  });

  interface Answer {
    readonly status: number;
    readonly allowedOrigin: string | undefined;
    /** The calls that reached a service. */
    readonly calls: readonly string[];
  }
  /** By HTTP/1.1, to the main port or the older system's. */
  async function ask(port: number, method: string, target: string, type: string, body = '{}'): Promise<Answer> {
    services.calls.length = 0;
    const head = [`${method} ${target} HTTP/1.1`, 'host: localhost', 'connection: close', `origin: ${ORIGIN}`];
    const bodyHead = [`content-type: ${type}`, `content-length: ${body.length}`];
    const lines = method === 'POST' ? [...head, ...bodyHead, '', body] : [...head, '', ''];
    const isHead = (text: string): boolean => text.includes('\r\n\r\n');
    const { status, headers } = await rawHttp(port, lines.join('\r\n'), method === 'HEAD' ? isHead : undefined);
    return {
      status,
      allowedOrigin: headers['access-control-allow-origin'],
      calls: services.calls.map(({ path }) => path),
    };
  }
  /** By HTTP/2. */
  async function askHttp2(target: string, type: string, by = session, method = 'POST'): Promise<Answer> {
    services.calls.length = 0;
    const stream = by.request({ ':method': method, ':path': target, 'content-type': type, origin: ORIGIN });
    let [status, allowedOrigin]: [number, string | undefined] = [0, undefined];
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
      allowedOrigin = headers['access-control-allow-origin'] as string | undefined;
    });
    stream.on('error', () => undefined);
    stream.resume().end(method === 'POST' ? '{}' : undefined);
    await new Promise((resolve) => stream.once('close', resolve));
    return { status, allowedOrigin, calls: services.calls.map(({ path }) => path) };
  }
  /** It went to a service by a route with all its rules, or it went nowhere. */
  function isGoverned(answer: Answer, service: string, target: string): void {
    const seen = `${JSON.stringify(target)}: ${JSON.stringify(answer)}`;
    if (answer.calls.length === 0) {
      // 0: HTTP/2 resets what is no path at all.
      assert.ok([0, 400, 404, 405, 431].includes(answer.status), seen);
      return;
    }
    assert.equal(answer.calls.length, 1, seen);
    assert.ok(answer.calls[0]?.startsWith(`/threadweaver.legacy.thread.v1.${service}/`), seen);
    assert.deepEqual([answer.status, answer.allowedOrigin], [200, ORIGIN], seen);
  }

  it('are each a route with all its rules, or no path at all', async () => {
    let governed = 0;
    const { port, threadsPort } = envoy.settings;
    const property = fc.asyncProperty(spelling, fc.constantFrom(port, threadsPort), async (target, to) => {
      const command = await ask(to, 'POST', target, 'application/json');
      isGoverned(command, 'ThreadRestCommandService', target);
      isGoverned(await ask(to, 'GET', target, ''), 'ThreadRestQueryService', target);
      isGoverned(await askHttp2(target, 'application/json'), 'ThreadRestCommandService', target);
      isGoverned(await askHttp2(target, '', session, 'GET'), 'ThreadRestQueryService', target);
      governed += command.calls.length;
      // What any page may send without asking first.
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const simple = await ask(to, 'POST', target, type);
        assert.deepEqual(simple.calls, [], `${JSON.stringify(target)} ${type}`);
        if (command.calls.length > 0) assert.equal(simple.status, 415, JSON.stringify(target));
      }
      assert.deepEqual((await askHttp2(target, 'text/plain')).calls, [], JSON.stringify(target));
    });
    await fc.assert(property, { seed: 20_261_128, numRuns: 250, examples: known.map((path) => [path, port]) });
    assert.ok(governed > 20, `only ${governed} of them were commands`);
  });

  it('let nobody past the check of tokens, near a path that needs none either', async () => {
    const rpcs = ['Command', 'Query'].flatMap((kind) =>
      ['/threadweaver.thread.v1', '/threadweaver.legacy.thread.v1', '/thread'].flatMap((name) =>
        ['ListThreads', 'CreateThread', 'ListThreads/CreateThread'].map((rpc) => `${name}.Thread${kind}Service/${rpc}`),
      ),
    );
    const { port } = guarded.settings;
    // As it is written, it is open.
    assert.equal((await ask(port, 'GET', '/v1/threads?x=y', '')).calls.length, 1);
    const property = fc.asyncProperty(spelling, fc.constantFrom(...rpcs), async (target, rpc) => {
      const spelled = rpc + target.slice(target.lastIndexOf('/'));
      for (const answer of [
        await ask(port, 'POST', target, 'application/json'),
        await ask(port, 'GET', target, ''),
        await ask(port, 'HEAD', target, ''),
        await ask(port, 'OPTIONS', target, ''),
        await askHttp2(target, 'application/json', guardedSession),
        await askHttp2(target, '', guardedSession, 'GET'),
        await askHttp2(rpc, 'application/grpc', guardedSession),
        await askHttp2(spelled, 'application/grpc', guardedSession),
        await askHttp2(spelled, 'application/grpc-web', guardedSession),
      ]) {
        const others = answer.calls.filter((path) => !path.endsWith('QueryService/ListThreads'));
        assert.deepEqual(others, [], JSON.stringify([target, spelled]));
      }
    });
    await fc.assert(property, { seed: 20_261_128, numRuns: 100, examples: known.map((path) => [path, rpcs[0] ?? '']) });
  });

  it('have the same limit of a body', async () => {
    const body = JSON.stringify({ title: 'x'.repeat(4 * 1024 * 1024) });
    for (const target of known) {
      const answer = await ask(envoy.settings.port, 'POST', target, 'application/json', body);
      assert.deepEqual(answer.calls, [], target);
      // 0: closed for the rest of the body, before the answer was read.
      assert.ok([0, 400, 404, 405, 413].includes(answer.status), `${target}: ${answer.status}`);
    }
  });
});

/** Spellings that got past the rules once, or might. */
const known = [
  ...[
    '/v1/threads/create/',
    '/v1/threads/create//',
    '/v1/threads/create/.',
    '/v1/threads/create/..',
    '/v1//threads/create',
  ],
  ...['/v1/threads/create/?x', '/v1/threads/T/messages/add/', '/v1/threads/T/destroy/%2e', '//v1/threads/create'],
  ...['/v1/threads/create%2F', '/v1/threads/T%2Fmessages/add', '/V1/threads/create', '/v1/threads/create;x', '*'],
  ...['http://other.example/v1/threads/create/', '/v1/threads/create?', '/v1/threads/create:x', '/v1/threads/creat%65'],
];

async function* nothing(): AsyncIterable<object> {
  // An event stream that is at its end.
}
