import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { freePort } from '../servers/index.js';
import { CannedServices } from './testing/canned-services.js';
import { rawHttp } from './testing/raw-http.js';
import { get, post, type RestAnswer } from './testing/rest-call.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const ORIGIN = 'http://localhost:3000';
const message = {
  id: 'M',
  threadId: 'T',
  senderId: 'A',
  type: 'text',
  body: 'x'.repeat(200),
  createdAt: 1,
  updatedAt: 1,
};

describe("Envoy's REST: manners of HTTP", () => {
  let services: CannedServices;
  let envoy: TestEnvoy;
  let create: string;
  before(async () => {
    services = await CannedServices.start();
    envoy = await startEnvoy(services.port, { callTimeoutMs: 5_000 });
    create = `${envoy.url}/v1/threads/create`;
  });
  after(async () => {
    await envoy.stop();
    services.stop();
  });
  beforeEach(() => services.answer({ response: {} }));

  const errorsOf = ({ json }: RestAnswer) => (json as { error_messages: string[] }).error_messages;

  const isProtected = ({ headers, status: code }: RestAnswer) => {
    const expected = {
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      // Only by TLS does it count.
      'strict-transport-security': null,
      'retry-after': code === 429 ? '10' : code === 503 ? '1' : null,
    };
    const names = Object.keys(expected);
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, headers.get(name)])), expected, String(code));
  };

  it('every answer is kept from being guessed at, framed and cached, and says when to come back', async () => {
    isProtected(await get(`${envoy.url}/v1/threads`));
    isProtected(await get(`${envoy.url}/healthz`));
    // Refused before any filter or route is asked.
    const tooLarge = await get(`${envoy.url}/v1/threads`, { 'x-large': 'x'.repeat(40_000) });
    assert.equal(tooLarge.status, 431);
    isProtected(tooLarge);
  });

  describe('CORS', () => {
    const shows = (answer: RestAnswer, code: number, allowed: string | null = ORIGIN) => {
      const { headers } = answer;
      assert.deepEqual([answer.status, headers.get('access-control-allow-origin')], [code, allowed], answer.text);
      assert.match(headers.get('vary') ?? '', /\bOrigin\b/);
      if (allowed !== null) assert.match(headers.get('access-control-expose-headers') ?? '', /x-request-id/);
      isProtected(answer);
    };

    it('shows a page every answer, whoever gives it', async () => {
      const origin = { origin: ORIGIN };
      shows(await get(`${envoy.url}/v1/threads`, origin), 200);
      shows(await get(`${envoy.url}/v1/nothing`, origin), 404);
      shows(await get(create, origin), 405);
      shows(await post(create, '{}', { ...origin, 'content-type': 'text/plain' }), 415);
      shows(await post(create, gzipSync('{}'), { ...origin, 'content-encoding': 'gzip' }), 415);
      shows(await post(create, `{"title":"${'x'.repeat(4 * 1024 * 1024)}"}`, origin), 413);
      shows(await post(create, "{'title':1}", origin), 400);
      shows(await get(`${envoy.url}/v1/threads?limit=1&limit=2`, origin), 400);
      shows(await get(`${envoy.url}/v1/threads`, { ...origin, 'grpc-timeout': 'x' }), 400);
      for (const [code, http] of [
        [status.RESOURCE_EXHAUSTED, 429],
        [status.UNAVAILABLE, 503],
        [status.DEADLINE_EXCEEDED, 504],
      ] as const) {
        services.answer({ status: { code, details: 'no' } });
        shows(await get(`${envoy.url}/v1/threads`, origin), http);
      }
      services.answer({ silence: true });
      shows(await get(`${envoy.url}/v1/threads`, { ...origin, 'grpc-timeout': '50m' }), 504);
      const lonely = await startEnvoy(await freePort());
      shows(await get(`${lonely.url}/v1/threads`, origin), 503);
      await lonely.stop();
    });

    it('shows other pages nothing, and tells caches so', async () => {
      for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
        shows(await get(`${envoy.url}/v1/threads`, { origin }), 200, null);
        shows(await get(`${envoy.url}/v1/nothing`, { origin }), 404, null);
      }
      shows(await get(`${envoy.url}/v1/threads`), 200, null);
    });
  });

  it('events are not cached', async () => {
    const frame = { contentType: 'text/event-stream', data: Buffer.from('id: 1\n\n'), extensions: [] };
    services.answer({ messages: one(frame) });
    const headers = { accept: 'text/event-stream', 'accept-encoding': 'gzip' };
    const answer = await get(`${envoy.url}/v1/threads/T/events`, headers);
    assert.deepEqual([answer.text, answer.headers.get('cache-control')], ['id: 1\n\n', 'no-cache']);
    assert.equal(answer.headers.get('content-encoding'), null);
  });

  it('HTTP/1.0 is understood', async () => {
    for (const head of ['', 'host: localhost\r\n', 'connection: keep-alive\r\n']) {
      const answer = await rawHttp(envoy.settings.port, `GET /v1/threads HTTP/1.0\r\n${head}\r\n`);
      assert.deepEqual([answer.status, answer.body], [200, '{"results":[],"error_messages":[]}'], head);
    }
  });

  describe('HEAD', () => {
    // The next answer of the connection shows that there was nothing between.
    const next = 'HTTP/1.1 200 OK\r\n';
    const head = async (path: string, more = '') => {
      const request = `HEAD ${path} HTTP/1.1\r\nhost: a\r\n${more}\r\nGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n`;
      const answer = await rawHttp(envoy.settings.port, request, (text) => text.includes('takes requests'));
      return { ...answer, body: answer.body.slice(0, next.length) };
    };

    it('is GET without its body', async () => {
      services.answer({ response: { result: Array.from({ length: 2_000 }, () => message) } });
      for (const path of ['/v1/threads?account_id=a', '/v1/threads/T/messages', '/v1/threads/T/messages?x=y']) {
        const got = await get(`${envoy.url}${path}`, { 'accept-encoding': 'identity' });
        for (const encoding of ['', 'accept-encoding: gzip\r\n']) {
          const { status: code, headers, body } = await head(path, encoding);
          assert.deepEqual([code, body, headers['content-type']], [200, next, 'application/json']);
          assert.equal(headers['content-length'], got.headers.get('content-length'));
        }
      }
    });

    it('has the status of an error, without its body', async () => {
      services.answer({ status: { code: status.NOT_FOUND, details: 'thread is not found' } });
      for (const [path, code] of [
        ['/v1/threads/T', 404],
        ['/v1/nothing', 404],
        ['/v1/threads/create', 405],
        ['/v1/threads/T/destroy', 405],
        // It would never end.
        ['/v1/threads/T/events', 405],
      ] as const) {
        const answer = await head(path);
        assert.deepEqual([answer.status, answer.body], [code, next], path);
      }
    });
  });

  describe('compression', () => {
    it('is done for those who ask for it', async () => {
      services.answer({ response: { result: Array.from({ length: 5_000 }, () => message) } });
      const plain = await get(`${envoy.url}/v1/threads/T/messages`, { 'accept-encoding': 'identity' });
      assert.equal(plain.headers.get('content-encoding'), null);
      const request = 'GET /v1/threads/T/messages HTTP/1.0\r\naccept-encoding: br, gzip;q=0.8\r\n\r\n';
      const { headers, body } = await rawHttp(envoy.settings.port, request);
      assert.equal(headers['content-encoding'], 'gzip');
      assert.match(headers.vary ?? '', /Accept-Encoding/);
      assert.match(headers.vary ?? '', /Origin/);
      assert.ok(body.length < plain.text.length / 10);
      assert.equal(gunzipSync(Buffer.from(body, 'latin1')).toString(), plain.text);
    });

    it('is done of long errors too', async () => {
      const details = Array.from({ length: 100 }, (_, index) => `messages[${index}].text: must not be empty`);
      services.answer({ status: { code: status.INVALID_ARGUMENT, details: details.join('\n') } });
      const answer = await post(create, '{}', { 'accept-encoding': 'gzip' });
      assert.equal(answer.headers.get('content-encoding'), 'gzip');
      assert.deepEqual([answer.status, errorsOf(answer)], [400, details]);
    });

    it('of requests is refused with a word on what is wrong', async () => {
      for (const encoding of ['gzip', 'br', 'deflate, gzip', 'x']) {
        const answer = await post(create, gzipSync('{}'), { 'content-encoding': encoding });
        const text = 'content-encoding: bodies are taken as they are, not compressed';
        assert.deepEqual([answer.status, errorsOf(answer)], [415, [text]], encoding);
      }
      assert.deepEqual(services.calls, []);
      assert.equal((await post(create, '{}', { 'content-encoding': 'Identity' })).status, 200);
    });
  });

  it('a parameter that is given twice is named', async () => {
    for (const [path, name] of [
      ['/v1/threads?limit=1&limit=2', 'limit'],
      ['/v1/threads/T/messages?offset=1&account_id=a&offset=1', 'offset'],
      ['/v1/threads/T/events?from_version=1&fromVersion=2', 'from_version'],
    ] as const) {
      const answer = await get(`${envoy.url}${path}`);
      assert.deepEqual([answer.status, errorsOf(answer)], [400, [`${name}: must be given once`]], path);
    }
  });

  it('the path of a command is no thread', async () => {
    const answer = await get(create);
    assert.deepEqual([answer.status, errorsOf(answer)], [405, ['method is not allowed']]);
    assert.deepEqual(services.calls, []);
  });

  it('/healthz says of what it is true', async () => {
    const answer = await get(`${envoy.url}/healthz`);
    assert.deepEqual([answer.status, answer.json], [200, { edge: 'takes requests' }]);
  });

  it('a header with an underscore is passed over', async () => {
    assert.equal((await get(`${envoy.url}/v1/threads?account_id=a`, { account_id: 'b', 'x-fine': 'c' })).status, 200);
    const { metadata } = services.lastCall;
    assert.deepEqual([metadata.account_id, metadata['x-fine']], [undefined, 'c']);
  });

  it('what only an edge says of a call, no client does; headers of its connection end here', async () => {
    const said = [
      ...['x-envoy-original-path: /x', 'x-envoy-retry-on: 5xx', 'x-envoy-upstream-rq-timeout-ms: 1'],
      ...['x-envoy-external-address: 10.9.9.9', 'x-envoy-decorator-operation: x', 'x-forwarded-proto: https'],
      ...['x-forwarded-for: 10.9.9.9', 'x-mesh-health: y', 'x-acting-for: B'],
      ...['connection: close, x-hop', 'x-hop: 1', 'keep-alive: timeout=5', 'proxy-connection: keep-alive', 'te: gzip'],
    ];
    const head = ['GET /v1/threads?account_id=a HTTP/1.1', 'host: a', ...said, '', ''];
    assert.equal((await rawHttp(envoy.settings.port, head.join('\r\n'))).status, 200);
    const {
      'x-forwarded-for': addresses,
      'x-request-id': _id,
      traceparent: _trace,
      ...others
    } = services.lastCall.metadata;
    assert.deepEqual(others, {
      'x-envoy-external-address': '127.0.0.1',
      'x-envoy-original-method': 'GET',
      'x-envoy-original-path': '/v1/threads?account_id=a',
      'x-forwarded-proto': 'http',
    });
    // The last address is the one that Envoy saw, and the one that counts.
    assert.match(String(addresses), /^10\.9\.9\.9,(?!10\.9\.9\.9)[^,]+$/);
  });

  describe('JSON', () => {
    const lenient: [string, string][] = [
      ["{'title':'x'}", 'Strings stand in double quotes.'],
      ['{"x":{"y":[\'z\']}}', 'Strings stand in double quotes.'],
      ['{title:"x"}', 'Keys stand in double quotes.'],
      ['{"title" : "x", $y :1}', 'Keys stand in double quotes.'],
      ['{"title":"x",}', 'There is a comma too many.'],
      ['{"memberIds":["x", \n]}', 'There is a comma too many.'],
      ['{"createAt":5.}', 'Digits must follow the point.'],
      ['{"title":"\\x41"}', 'There is no such escape.'],
      ['{"title":"\\u00g0"}', 'There is no such escape.'],
      ['{"title":"it\\\'s"}', 'There is no such escape.'],
      ['{"title":"a\tb"}', 'Control characters must be escaped.'],
      ['{"title":"a\ne"}', 'Control characters must be escaped.'],
      ['{"title":"a\u0000"}', 'Control characters must be escaped.'],
      ['\u000b{}', 'Control characters must be escaped.'],
    ];
    for (const [body, text] of lenient) {
      it(`is refused when it is nearly JSON: ${JSON.stringify(body)}`, async () => {
        const answer = await post(create, body);
        assert.deepEqual([answer.status, errorsOf(answer)], [400, [`body: malformed JSON: ${text}`]]);
        assert.deepEqual(services.calls, []);
      });
    }

    it('is taken when it is, whatever stands in its texts', async () => {
      for (const title of [
        "it's, }",
        'a: b, ]',
        '\\',
        '\\"',
        '"',
        "\\'",
        '5.',
        '\u0000\u001f\u007f',
        '\\u0041',
        'ü😀',
      ]) {
        const body = ` {\t"title" :\r\n${JSON.stringify(title)} , "createAt":-1.5E+3, "x":[ ],"y":{ } }\n`;
        assert.equal((await post(create, body)).status, 200, body);
        assert.deepEqual([services.lastCall.request.title, services.lastCall.request.createAt], [title, -1500], body);
      }
    });

    it('is what JSON.parse takes, and nothing else', async () => {
      const inserted = fc.constantFrom(...'\'",:.[]{}\\/ \t\n\u0000\u000c0aeE+-n_$#', '\\u00', '\\u005c', '//', 'null');
      const body = fc
        .tuple(
          fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2, stringUnit: 'grapheme' }), { maxKeys: 4 }),
          fc.array(fc.tuple(fc.nat(), inserted), { maxLength: 2 }),
        )
        .map(([value, changes]) =>
          changes.reduce((text, [at, change]) => {
            const place = at % (text.length + 1);
            return text.slice(0, place) + change + text.slice(place);
          }, JSON.stringify(value)),
        );
      let taken = 0;
      const property = fc.asyncProperty(body, async (text) => {
        const answer = await post(create, Buffer.from(text));
        if (answer.status === 200) taken += 1;
        if (isJson(text)) return;
        assert.equal(answer.status, 400, JSON.stringify(text));
        assert.match(errorsOf(answer)[0] ?? '', /^body: /);
      });
      await fc.assert(property, { seed: 20_261_128, numRuns: 150 });
      assert.ok(taken > 40, String(taken));
    });
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* one(message: object): AsyncIterable<object> {
  yield message;
}
