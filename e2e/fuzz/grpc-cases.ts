import { fromBinary, type DescMethod } from '@bufbuild/protobuf';
import type { SeededRandom } from '../chaos/random.js';
import { innerTextOf } from './finding.js';
import { methods, tellsFields } from './field-rules.js';
import { noise } from './hostile-values.js';
import { type Answer, frame, Http2Client } from './http2-client.js';
import { randomMessage, type RandomMessage } from './random-message.js';
import type { Scene } from './scene.js';

/** What went wrong with a case. */
export interface Wrong {
  readonly kind: string;
  readonly detail: string;
}

/** What a service may say of a request that is not a fault of ours. The rest is for wrong protocols, or our fault. */
const answers: ReadonlySet<string> = new Set([
  ...['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'FAILED_PRECONDITION'],
  ...['RESOURCE_EXHAUSTED', 'UNIMPLEMENTED', 'UNAUTHENTICATED'],
]);
const oddHeaders: Readonly<Record<string, readonly string[]>> = {
  'grpc-timeout': ['', 'x', '1', '0m', '-1S', '99999999999S', '1.5S', '1H', '100m', '1n', '9'.repeat(2_000)],
  'x-request-id': ['', ' ', 'a b', 'x'.repeat(129), 'x'.repeat(20_000), '\u00ff\u00fe', '%00', '*', '{}'],
  'x-thread-id': ['', '*', '..', 'x'.repeat(20_000), '\u00e9'],
  'x-min-version': ['', '-1', '1.5', '1e3', 'NaN', '99999999999999999999', '1, 2', '\u00ff'],
  traceparent: ['', 'x', '00-0-0-00', `ff-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, '\u00ff'],
  'grpc-encoding': ['gzip', 'deflate', 'br', 'x'],
  'grpc-accept-encoding': ['x', '', 'gzip,gzip,gzip'],
  'x-mesh-reflection': ['all', 'x'],
  'x-envoy-max-retries': ['100'],
  authorization: ['\u00ff', 'Bearer '],
  'content-type': [
    'application/grpc+x',
    'application/grpc+json',
    'application/grpcx',
    'application/grpc;x=\u00ff',
    'text/plain',
    '',
  ],
  x_under_score: ['1'],
  'some-bin': ['*', 'AA==', 'x'.repeat(1_000)],
};

/** One random call by gRPC or gRPC-Web. @returns what is wrong with its answer */
export async function grpcCase(
  client: Http2Client,
  scene: Scene,
  random: SeededRandom,
  web: boolean,
): Promise<Wrong[]> {
  const drawn = random.pick(methods);
  // The end of a thread is the end of what others may find in it.
  const method = drawn.name === 'DestroyThread' && random.chance(90) ? random.pick(methods) : drawn;
  const message = randomMessage(method.input, scene.ids, random);
  const isOdd = random.chance(15);
  const headers: Record<string, string> = {};
  if (isOdd && random.chance(60)) {
    const name = random.pick(Object.keys(oddHeaders));
    headers[name] = random.pick(oddHeaders[name] ?? []);
  }
  const isFramed = !isOdd || Object.keys(headers).length > 0;
  const body = isFramed ? frame(message.bytes) : oddFrame(message.bytes, random);
  const path = `/${method.parent.typeName}/${method.name}`;
  const isStream = method.methodKind !== 'unary';
  // A stream that nothing is sent on is left alone after a while.
  // What ends a whole connection must not end the calls of other cases.
  const own = isOdd ? new Http2Client(client.port, client.localAddress, client.identity) : client;
  const answer = await own.call(path, body, { headers, web, isStream, patienceMs: isStream ? 3_000 : 60_000 });
  if (isOdd) own.close();
  if (isCommand(method)) remember(scene, method, message, answer);
  const wrong = wrongWith(method, message, answer, isOdd ? (Object.keys(headers)[0] ?? 'frame') : undefined);
  return wrong.map(({ kind, detail }) => ({
    kind,
    detail: `${detail}; ${path} ${JSON.stringify(headers).slice(0, 200)} ${body.toString('hex').slice(0, 400)}`,
  }));
}

function isCommand(method: DescMethod): boolean {
  return method.parent.name.endsWith('CommandService');
}

function remember(scene: Scene, { input, output }: DescMethod, message: RandomMessage, answer: Answer): void {
  // Those that Envoy resets have gone no further.
  const isLate = answer.code === 'DEADLINE_EXCEEDED' || answer.message.startsWith('nothing in ');
  if (isLate) return scene.notKnown();
  if (answer.code !== 'OK') return;
  try {
    const request = fromBinary(input, message.bytes) as { threadId?: string };
    const response = fromBinary(output, answer.messages[0] ?? Buffer.alloc(0)) as { version?: bigint };
    const version = response.version ?? answer.headers['x-thread-version'];
    if (request.threadId !== undefined && version !== undefined) {
      scene.acknowledge(request.threadId.toUpperCase(), Number(version));
    }
  } catch {
    // Of an odd frame, the service may have read another message than was meant.
    scene.notKnown();
  }
}

function wrongWith(method: DescMethod, message: RandomMessage, answer: Answer, odd: string | undefined): Wrong[] {
  const { code, httpStatus } = answer;
  const said = `${code} (HTTP ${httpStatus}) ${JSON.stringify(answer.message.slice(0, 300))}`;
  const wrong: Wrong[] = [];
  const inner = innerTextOf(answer.message);
  if (inner !== undefined) wrong.push({ kind: `says ${JSON.stringify(inner)}`, detail: said });
  // A stream that waits for what happens next.
  if (code === 'none' && answer.message.startsWith('nothing in 3000')) return wrong;
  if (odd !== undefined) {
    // Envoy resets a stream whose headers it does not take, such as one with an underscore in its name.
    const isReset = odd.includes('_') && answer.message.includes('INTERNAL_ERROR');
    const isRefused = isReset || (code === 'none' && [400, 404, 405, 413, 415, 431].includes(httpStatus));
    // Envoy's 415, in the form of gRPC.
    const isOfType = odd === 'content-type' && code === 'UNKNOWN';
    if (!answers.has(code) && !isRefused && !isOfType && code !== 'DEADLINE_EXCEEDED')
      wrong.push({ kind: `${code} of ${odd}: ${answer.message.slice(0, 50)}`, detail: said });
    return wrong;
  }
  // It waits for a version that is not there.
  if (code === 'DEADLINE_EXCEEDED' && answer.message.includes('has not got to version')) return wrong;
  if (!answers.has(code)) return [...wrong, { kind: `${code}: ${answer.message.slice(0, 50)}`, detail: said }];
  // Who calls is looked at before what is asked.
  if (code === 'UNAUTHENTICATED' || !tellsFields(method)) return wrong;
  const { violations, isCertain, isNamed, bytes } = message;
  // Too large to be looked at.
  if (code === 'RESOURCE_EXHAUSTED' && bytes.length > 60_000) return wrong;
  if (violations.length > 0 && code !== 'INVALID_ARGUMENT') {
    wrong.push({ kind: `takes what is wrong with ${generalized(violations)}`, detail: said });
  } else if (violations.length > 0 && isNamed) {
    const unnamed = violations.filter((path) => !answer.fields.includes(path));
    if (unnamed.length > 0)
      wrong.push({ kind: `does not name ${generalized(unnamed)}`, detail: `${said}, named ${answer.fields.join()}` });
  } else if (violations.length === 0 && isCertain && code === 'INVALID_ARGUMENT') {
    wrong.push({ kind: `refuses a valid ${generalized(answer.fields)}`, detail: said });
  }
  return wrong;
}

function generalized(paths: readonly string[]): string {
  return [...new Set(paths.map((path) => path.replaceAll(/\d+/g, 'n')))].sort().slice(0, 5).join();
}

/** Frames that lie. */
function oddFrame(message: Buffer, random: SeededRandom): Buffer {
  const odd: (() => Buffer)[] = [
    () => frame(message, message.length, 1),
    () => frame(message, message.length, random.integer(2, 255)),
    () => frame(message, message.length + random.integer(1, 1_000)),
    () => frame(message, random.pick([2 ** 32 - 1, 2 ** 31, 5 * 1024 * 1024])),
    () => frame(message, Math.floor(message.length / 2)),
    () => Buffer.concat([frame(message), frame(message)]),
    () => Buffer.concat([frame(message), noise(random, 3)]),
    () => Buffer.alloc(0),
    () => frame(message).subarray(0, 3),
    () => noise(random, random.integer(1, 60)),
    () => frame(Buffer.alloc(4 * 1024 * 1024 + 1)),
    () => Buffer.concat(Array.from({ length: 500 }, () => frame(Buffer.alloc(0)))),
  ];
  return random.pick(odd)();
}
