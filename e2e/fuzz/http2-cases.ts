import type { SeededRandom } from '../chaos/random.js';
import { noise } from './hostile-values.js';
import { rawRequest } from './raw-http.js';
import { QUERIES } from './scene.js';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
};
const END_STREAM = 1;
const END_HEADERS = 4;

/** A frame of HTTP/2 (RFC 9113, 4.1). `length` is what it claims. @default the truth */
export function h2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
  length = payload.length,
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([header, payload]);
}

/** A header list as literals without indexing (RFC 7541, 6.2.2), which may hold anything. */
export function literals(headers: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    const prefix = [127];
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) prefix.push((rest & 127) | 128);
    return Buffer.concat([Buffer.from([...prefix, rest]), bytes]);
  };
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** The headers of a gRPC call. */
export function callHeaders(path: string, more: readonly (readonly [string, string])[] = []): Buffer {
  return literals([
    ...([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'mesh'],
    ] as const),
    ...([
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ] as const),
    ...more,
  ]);
}

export function settings(values: readonly (readonly [number, number])[] = []): Buffer {
  const payload = Buffer.alloc(6 * values.length);
  for (const [index, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value >>> 0, 6 * index + 2);
  }
  return h2Frame(types.settings, 0, 0, payload);
}

const GET = callHeaders(`${QUERIES}/GetThread`);
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const repeat = (count: number, make: (index: number) => Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
const open = (stream: number, flags = END_HEADERS, headers: Uint8Array = GET): Buffer =>
  h2Frame(types.headers, flags, stream, headers);

/** What can be wrong with frames, a piece each. Streams are odd numbers from 1. */
const pieces: readonly ((random: SeededRandom, stream: number) => Buffer)[] = [
  (random) =>
    h2Frame(random.integer(0, 255), random.integer(0, 255), random.integer(0, 9), noise(random, random.integer(0, 40))),
  (random, stream) =>
    h2Frame(
      random.integer(0, 9),
      random.integer(0, 255),
      stream,
      noise(random, 8),
      random.pick([0, 7, 2 ** 14 + 1, 2 ** 24 - 1]),
    ),
  (_random, stream) => open(stream, END_HEADERS | END_STREAM),
  () => open(0),
  (_random, stream) => open(stream + 1),
  (_random, stream) => Buffer.concat([open(stream + 10), open(stream)]),
  (_random, stream) => h2Frame(types.data, END_STREAM, stream + 20, Buffer.alloc(10)),
  (_random, stream) => Buffer.concat([open(stream), h2Frame(types.data, 8, stream, Buffer.from([255, 1]))]),
  (_random, stream) =>
    Buffer.concat([
      open(stream),
      h2Frame(types.data, END_STREAM, stream, Buffer.alloc(5)),
      h2Frame(types.data, 0, stream, Buffer.alloc(5)),
    ]),
  (_random, stream) => Buffer.concat([open(stream), h2Frame(types.window, 0, stream, uint32(0))]),
  (_random, stream) =>
    Buffer.concat([open(stream), repeat(3, () => h2Frame(types.window, 0, stream, uint32(2 ** 31 - 1)))]),
  () => h2Frame(types.window, 0, 0, uint32(2 ** 31 - 1)),
  (random) => settings([[random.integer(0, 20), random.pick([0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])]]),
  () => h2Frame(types.settings, 0, 0, Buffer.alloc(5)),
  () => h2Frame(types.settings, 1, 0, Buffer.alloc(6)),
  () => h2Frame(types.settings, 0, 1),
  (_random, stream) => h2Frame(types.push, END_HEADERS, stream, Buffer.concat([uint32(2), GET])),
  (_random, stream) => h2Frame(types.priority, 0, stream, Buffer.concat([uint32(stream), Buffer.from([1])])),
  () => h2Frame(types.ping, 0, 0, Buffer.alloc(7)),
  () => h2Frame(types.ping, 0, 3, Buffer.alloc(8)),
  () => h2Frame(types.goAway, 0, 0, Buffer.alloc(8)),
  (_random, stream) => h2Frame(types.continuation, END_HEADERS, stream, GET),
  (_random, stream) => Buffer.concat([open(stream, 0), h2Frame(types.ping, 0, 0, Buffer.alloc(8))]),
  (_random, stream) => open(stream, 0),
  (random, stream) => open(stream, END_HEADERS, noise(random, 60)),
  (random, stream) =>
    open(
      stream,
      END_HEADERS,
      Buffer.from(
        random.pick([
          [0x80],
          [0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
          [0x3f, 0xe1, 0xff, 0xff, 0x7f],
          [0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ]),
      ),
    ),
  // A large header that each later reference repeats.
  (_random, stream) =>
    open(
      stream,
      END_HEADERS,
      Buffer.concat([
        Buffer.from([0x40, 1, 0x61, 0x7f, 0x81, 0x1e]),
        Buffer.alloc(4_000, 0x62),
        Buffer.alloc(12_000, 0xbe),
      ]),
    ),
  (_random, stream) => open(stream, END_HEADERS, callHeaders(`${QUERIES}/GetThread`, repeatHeaders(300))),
  (random, stream) =>
    open(
      stream,
      END_HEADERS | END_STREAM,
      literals(
        random.pick<(readonly [string, string])[]>([
          [],
          [[':method', 'GET']],
          [
            [':path', '/'],
            [':path', '/'],
            [':method', 'GET'],
            [':scheme', 'http'],
          ],
          [
            ['a', 'b'],
            [':method', 'GET'],
            [':scheme', 'http'],
            [':path', '/'],
          ],
          [
            [':method', 'GET'],
            [':scheme', 'http'],
            [':path', ''],
            [':authority', ''],
          ],
          [
            [':method', 'CONNECT'],
            [':authority', 'x'],
          ],
          [
            [':method', 'CONNECT'],
            [':protocol', 'websocket'],
            [':scheme', 'http'],
            [':path', '/'],
            [':authority', 'x'],
          ],
          [
            [':method', 'GET'],
            [':scheme', 'http'],
            [':path', '/v1/threads'],
            ['connection', 'close'],
          ],
          [
            [':method', 'GET'],
            [':scheme', 'http'],
            [':path', '/v1/threads'],
            ['Upper', 'x'],
          ],
          [
            [':method', 'GET'],
            [':scheme', 'http'],
            [':path', '/v1/threads'],
            ['x', 'a\r\nb: c'],
          ],
          [
            [':method', 'GET'],
            [':scheme', 'http'],
            [':path', '/v1/threads'],
            ['x', '\0'],
          ],
          [
            [':method', 'POST'],
            [':scheme', 'http'],
            [':path', `${QUERIES}/GetThread`],
            ['content-type', 'application/grpc'],
            ['cookie', 's=\u00ff'],
            ['authorization', '\u00ff'],
          ],
        ]),
      ),
    ),
  // Floods, each within what one connection sends in no time.
  () => repeat(1_000, () => h2Frame(types.ping, 0, 0, Buffer.alloc(8))),
  () => repeat(1_000, () => settings([[4, 65_535]])),
  (_random, stream) =>
    Buffer.concat([
      open(stream, 0, GET),
      repeat(500, () => h2Frame(types.continuation, 0, stream, literals([['x', 'y'.repeat(100)]]))),
    ]),
  (_random, stream) =>
    Buffer.concat([open(stream, 0, GET), repeat(2_000, () => h2Frame(types.continuation, 0, stream))]),
  (_random, stream) =>
    repeat(300, (index) =>
      Buffer.concat([open(stream + 2 * index), h2Frame(types.reset, 0, stream + 2 * index, uint32(8))]),
    ),
  (_random, stream) => Buffer.concat([open(stream), repeat(2_000, () => h2Frame(types.data, 0, stream))]),
  (_random, stream) => repeat(1_000, () => h2Frame(types.priority, 0, stream + 100, Buffer.alloc(5))),
];

function repeatHeaders(count: number): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, index) => [`x-${index}`, 'y'.repeat(50)]);
}

/** One connection with a few odd pieces. What Envoy answers is its own affair, as long as others do not notice. */
export async function http2Case(port: number, random: SeededRandom): Promise<void> {
  const chunks: Buffer[] = [random.chance(95) ? PREFACE : PREFACE.subarray(0, random.integer(0, 23)), settings()];
  const count = random.integer(1, 4);
  for (let index = 0; index < count; index += 1) chunks.push(random.pick(pieces)(random, 1 + 1_000 * index));
  await rawRequest(port, chunks, { patienceMs: 100 });
}
