import type { SeededRandom } from '../chaos/random.js';
import { innerTextOf } from './finding.js';
import type { Wrong } from './grpc-cases.js';
import { hostileText, noise } from './hostile-values.js';
import { rawRequest } from './raw-http.js';
import type { Scene } from './scene.js';

/** What the edge may answer; 504 where a version is waited for. */
const statuses: ReadonlySet<number> = new Set([
  200, 204, 400, 403, 404, 405, 408, 411, 413, 414, 415, 417, 426, 429, 431, 501, 505,
]);

const posts = [
  'destroy',
  'administrator-ids/join',
  'administrator-ids/leave',
  'member-ids/join',
  'member-ids/leave',
  'messages/add',
  'messages/remove',
];
const gets = ['', '/administrator-ids', '/member-ids', '/messages'];

interface Request {
  method: string;
  path: string;
  version: string;
  headers: [string, string][];
  body: Buffer;
  /** Whether it may be carried out: the exact path, and JSON. */
  isPlain: boolean;
}

/** One request of the older REST API, with something odd about it, written byte by byte. */
export async function restCase(port: number, scene: Scene, random: SeededRandom): Promise<Wrong[]> {
  const threadId = random.pick(scene.ids.threads);
  const request = plainRequest(threadId, scene, random);
  const count = random.pick([0, 1, 1, 2]);
  for (let index = 0; index < count; index += 1) random.pick(oddities)(request, scene, random);
  const chunks = bytesOf(request);
  // Some requests never end; what comes of them then is Envoy's to decide later.
  const answer = await rawRequest(port, [chunks], { patienceMs: count === 0 ? 60_000 : 1_500, idleMs: 300 });
  if (answer === '') scene.notKnown();
  if (answer === '' && count === 0) return [{ kind: 'no answer', detail: chunks.toString('latin1').slice(0, 500) }];
  const versions = [...answer.matchAll(/^x-thread-version: (\d+)/gim)].map(([, version]) => Number(version));
  for (const version of versions) scene.acknowledge(threadId, version);
  const shown = chunks.toString('latin1').slice(0, 500);
  return wrongWith(request, answer, versions.length > 0).map(({ kind, detail }) => ({
    kind: `${request.method.slice(0, 10)}: ${kind}`,
    detail: `${detail}; ${JSON.stringify(shown)}`,
  }));
}

function wrongWith({ isPlain, method, headers }: Request, answer: string, isCarriedOut: boolean): Wrong[] {
  const wrong: Wrong[] = [];
  const shown = JSON.stringify(answer.slice(0, 600));
  // Nothing at all: the connection was closed on it, or waits for the rest of the request.
  if (answer === '') return [];
  // Behind "100 Continue".
  const status = Number(
    /^HTTP\/1\.[01] (\d{3}) /.exec(answer.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''))?.[1] ?? 0,
  );
  if (!statuses.has(status)) wrong.push({ kind: `status ${status}`, detail: shown });
  const [, body = ''] = /\r\n\r\n(.*)/s.exec(answer) ?? [];
  const inner = status === 200 ? undefined : innerTextOf(body);
  if (inner !== undefined) wrong.push({ kind: `says ${JSON.stringify(inner)}`, detail: shown });
  // Who says that it speaks gRPC is not answered in JSON.
  const isGrpc = headers.some(([name, value]) => name === 'content-type' && value.startsWith('application/grpc'));
  if (status >= 400 && !isGrpc && method !== 'HEAD' && body !== '' && !body.includes('"error_messages":[')) {
    wrong.push({ kind: `${status} without error_messages`, detail: shown });
  }
  if (!isPlain && isCarriedOut)
    wrong.push({ kind: 'carried out though its path or type is not of the API', detail: shown });
  return wrong;
}

function plainRequest(threadId: string, scene: Scene, random: SeededRandom): Request {
  const { ids } = scene;
  const account = random.pick(ids.accounts);
  const common = {
    version: 'HTTP/1.1',
    headers: [['host', 'mesh'], ['connection', 'close'], ...Object.entries(scene.identity())] as [string, string][],
    isPlain: true,
  };
  if (random.chance(40)) {
    const path = random.chance(15) ? '/v1/threads' : `/v1/threads/${threadId}${random.pick(gets)}`;
    return { ...common, method: 'GET', path: `${path}?account_id=${account}`, body: Buffer.alloc(0) };
  }
  const value = (good: unknown): unknown => (random.chance(10) ? oddJson(random) : good);
  const text = { toAccountIds: [], text: value('hello') };
  const fields: Record<string, unknown> = {
    accountId: value(account),
    title: value('t'),
    remarks: value(null),
    administratorIds: value([account]),
    memberIds: value([random.pick(ids.accounts)]),
    accountIds: value([random.pick(ids.accounts)]),
    messages: value([text]),
    messageIds: value([random.pick(ids.messages)]),
    createAt: value(10_000),
  };
  const path = random.chance(10)
    ? '/v1/threads/create'
    : `/v1/threads/${threadId}/${random.pick(random.chance(5) ? posts : posts.slice(1))}`;
  const headers: [string, string][] = [...common.headers, ['content-type', 'application/json']];
  return { ...common, headers, method: 'POST', path, body: Buffer.from(JSON.stringify(fields)) };
}

function oddJson(random: SeededRandom): unknown {
  const text = hostileText(random);
  const odd = [
    null,
    true,
    -1,
    0.5,
    1e300,
    -1e300,
    '',
    [],
    {},
    [[]],
    [null],
    { a: [] },
    typeof text === 'string' ? text : 'x',
    Array(50).fill(''),
    Array(1_100).fill({}),
  ];
  return random.pick<unknown>(odd);
}

type Oddity = (request: Request, scene: Scene, random: SeededRandom) => void;

const set = (request: Request, name: string, value: string): void => {
  request.headers = [...request.headers.filter(([known]) => known !== name), [name, value]];
};

const oddities: readonly Oddity[] = [
  // Spellings of the path.
  (request, _scene, random) => {
    const [path, query] = request.path.split('?') as [string, string | undefined];
    const spell = random.pick<(text: string) => string>([
      ...[
        (text: string) => `${text}/`,
        (text: string) => `${text}//`,
        (text: string) => `${text}/.`,
        (text: string) => `${text}/..`,
        (text: string) => `${text};x`,
      ],
      ...[
        (text: string) => `${text}%2f`,
        (text: string) => `${text}%20`,
        (text: string) => `${text}%00`,
        (text: string) => text.replace('threads', 'Threads'),
      ],
      ...[
        (text: string) => text.replace('/v1/', '/v1/./'),
        (text: string) => text.replace('/v1/', '//v1//'),
        (text: string) => text.replace('/v1', '/%761'),
      ],
      ...[
        (text: string) => text.replace('/threads', '\\threads'),
        (text: string) => `${text}:x`,
        (text: string) => `${text}*`,
        (text: string) => `http://mesh${text}`,
        () => '*',
        () => '',
      ],
      ...[
        (text: string) => `${text}#x`,
        (text: string) => `${text}\u00e9`,
        (text: string) => `${text}?`,
        (text: string) => `${text}.json`,
        (text: string) => text + 'x'.repeat(9_000),
      ],
    ]);
    const spelled = spell(path);
    // What Envoy makes plain again (slashes, dots, escapes that need none, a fragment) is the API's own path then.
    request.isPlain &&=
      /^(http:\/\/mesh)?[^;*:\\]*$/.test(spelled) &&
      !/(\/|\/\.\.?|%2f|%20|%00|\.json|x|\u00e9)$/.test(spelled) &&
      !spelled.includes('Threads');
    request.path = query === undefined ? spelled : `${spelled}?${query}`;
  },
  // Queries.
  (request, _scene, random) => {
    const odd = [
      'limit=1&limit=2',
      'limit=-1',
      'offset=99999999999999999999',
      'limit=%ff',
      'account_id=',
      'account_id=a&account_id=b',
      '&&&',
      '=',
      '%',
      '%zz',
      'a[b]=c',
      'thread_id=x',
      'threadId=x',
      'limit=1%00',
      'limit.x=1',
      'account_id.x=1',
      'error_messages=x',
      '$alt=json',
      'x=' + 'y'.repeat(20_000),
    ];
    request.path += `${request.path.includes('?') ? '&' : '?'}${random.pick(odd)}`;
  },
  // Methods and versions.
  (request, _scene, random) => {
    request.method = random.pick([
      'HEAD',
      'PUT',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'TRACE',
      'CONNECT',
      'PRI',
      'get',
      'GE T',
      '',
      'X'.repeat(5_000),
      'GET',
      'POST',
    ]);
  },
  (request, _scene, random) => {
    request.version = random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', '', 'HTTP/1.1 x']);
  },
  // Content types.
  (request, _scene, random) => {
    const type = random.pick([
      'text/plain',
      'application/json;charset=utf-16',
      'application/jsonx',
      'APPLICATION/JSON',
      'application/grpc',
      'application/grpc-web',
      'application/grpc-web+json',
      'application/grpc-web-text',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      ' ',
      '\u00ff',
    ]);
    set(request, 'content-type', type);
    request.isPlain &&= /^\s*(application\/json\s*(;.*)?)?$/i.test(type);
  },
  // Headers.
  (request, _scene, random) => {
    const odd: [string, string][] = [
      ...([
        ['host', ''],
        ['host', 'a b'],
        ['host', 'x:99999'],
        ['host', '\u00ff'],
        ['x_under', '1'],
        ['x-request-id', '\u00ff\u00fe'],
        ['x-request-id', ''],
        ['cookie', 's=\u00e9'],
        ['x-min-version', '-1'],
        ['last-event-id', 'x'],
      ] as [string, string][]),
      ...([
        ['grpc-timeout', 'x'],
        ['grpc-timeout', '99999999999S'],
        ['expect', '100-continue'],
        ['expect', 'x'],
        ['upgrade', 'h2c'],
        ['upgrade', 'websocket'],
        ['te', 'x'],
        ['connection', 'host'],
        ['x-a', 'x'.repeat(40_000)],
      ] as [string, string][]),
      ...([
        ['accept-encoding', 'x'],
        ['content-encoding', 'gzip'],
        ['content-encoding', 'x'],
        ['x-forwarded-for', '\u00ff'],
        ['x-http-method-override', 'DELETE'],
        ['x-envoy-original-path', '/v1/threads/x'],
        ['origin', 'null'],
        ['range', 'bytes=0-1'],
        ['a b', '1'],
        ['', '1'],
        ['x-nul', 'a\0b'],
        ['x-cr', 'a\rb'],
      ] as [string, string][]),
    ];
    const [name, value] = random.pick(odd);
    if (random.chance(70)) set(request, name, value);
    else request.headers.push([name, value], [name, value]);
  },
  (request) => {
    request.headers = request.headers.filter(([name]) => name !== 'host');
  },
  (request) =>
    request.headers.push(...Array.from({ length: 150 }, (_, index): [string, string] => [`x-${index}`, 'y'])),
  // Bodies.
  (request, _scene, random) => {
    const json = request.body.toString();
    const odd = [
      json.slice(0, -1),
      `${json}x`,
      `${json}${json}`,
      json.replaceAll('"', "'"),
      json.replace(/}$/, ',}'),
      '',
      'null',
      '[]',
      '"x"',
      '[',
      '{"accountId":'.repeat(500),
      '['.repeat(50_000),
      '{"a":1,"a":2}',
      '\ufeff{}',
      json.replace('{', '{"accountId":1,'),
      json.replace('{', '{"__proto__":{"x":1},'),
      json.replace('{', `{"x":${'9'.repeat(5_000)},`),
      `{"title":"${'\\u0000'.repeat(100)}"}`,
      '{"title":"\\ud800"}',
    ];
    request.body = random.chance(15) ? noise(random, 100) : Buffer.from(random.pick(odd));
  },
  // Lengths, chunks, and requests that are hidden in the body of another.
  (request, scene, random) => {
    const hidden = JSON.stringify({ accountId: scene.accounts[0], messages: [{ toAccountIds: [], text: 'smuggled' }] });
    const inner = `POST /v1/threads/${scene.canary}/messages/add HTTP/1.1\r\nhost: mesh\r\ncontent-type: application/json\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`;
    const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
    const json = request.body.toString('latin1');
    const shapes: (readonly [[string, string][], string])[] = [
      [
        [
          ['content-length', String(json.length)],
          ['transfer-encoding', 'chunked'],
        ],
        `0\r\n\r\n${inner}`,
      ],
      [
        [
          ['transfer-encoding', 'chunked'],
          ['content-length', '4'],
        ],
        `${chunked(json)}${inner}`,
      ],
      [[['transfer-encoding', ' chunked']], chunked(json)],
      [[['transfer-encoding', 'chunked, identity']], `0\r\n\r\n${inner}`],
      [
        [
          ['transfer-encoding', 'xchunked'],
          ['content-length', String(inner.length)],
        ],
        inner,
      ],
      [
        [
          ['content-length', '0'],
          ['content-length', String(inner.length)],
        ],
        inner,
      ],
      [[['content-length', '+4']], inner],
      [[['content-length', `${inner.length}, ${inner.length}`]], inner],
      [[['content-length', '-1']], inner],
      [[['content-length', '99999999999999999999']], json],
      [[['transfer-encoding', 'chunked']], `fffffffffffffffff\r\n${json}`],
      [[['transfer-encoding', 'chunked']], `1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`],
      [[['transfer-encoding', 'chunked']], `-1\r\n${json}\r\n0\r\n\r\n`],
      [[['transfer-encoding', 'chunked']], `0\r\ncontent-length: 5\r\nx-a: b\r\n\r\n`],
    ];
    const [headers, body] = random.pick(shapes);
    request.headers = [...request.headers.filter(([name]) => name !== 'connection'), ...headers];
    request.body = Buffer.from(body, 'latin1');
    request.isPlain = true;
  },
];

function bytesOf({ method, path, version, headers, body }: Request): Buffer {
  const hasLength = headers.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
  const all =
    hasLength || (body.length === 0 && method === 'GET')
      ? headers
      : [...headers, ['content-length', String(body.length)] as const];
  const head = `${method} ${path} ${version}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
