import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { protoClient, type ProtoClient } from '../../platform/testing/proto-client.js';
import { CannedServices, type CannedAnswer } from './testing/canned-services.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const QUERIES = 'threadweaver.thread.v1.ThreadQueryService';
const HALF_MIB = Buffer.alloc(512 * 1024, 'x');

describe('readers that stop reading', function () {
  this.timeout(30_000);
  let canned: CannedServices;
  let envoy: TestEnvoy;
  let other: ProtoClient;

  before(async () => {
    canned = await CannedServices.start();
    envoy = await startEnvoy(canned.port);
    other = protoClient('threadweaver/thread/v1/thread_query_service.proto', QUERIES, envoy.authority);
  });
  after(async () => {
    other?.close();
    await envoy?.stop();
    canned?.stop();
  });

  /** Each stream has 16 MiB to send, more than the kernel's buffers of a socket take; each query has an answer at once. */
  function answer(large: (path: string) => boolean, content: object, response: object): void {
    async function* messages(): AsyncIterable<object> {
      for (let count = 0; count < 32; count += 1) yield content;
    }
    canned.answer(({ path }): CannedAnswer => {
      if (path.endsWith('/WatchThread')) return { messages: messages() };
      return { response: large(path) ? response : {} };
    });
  }

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Others are answered, over and over, while the readers hold what they hold. */
  async function othersAreAnswered(readers: number): Promise<void> {
    await until(() => canned.calls.length >= readers);
    for (let count = 0; count < 20; count += 1) await other.call('GetThread', {}, { timeoutMs: 5_000 });
  }

  it('do not keep others from their answers: 100 streams of one HTTP/2 connection whose windows are shut', async () => {
    answer(() => false, largeCommit(), {});
    const session = connectHttp2(envoy.url, { settings: { initialWindowSize: 0 } });
    try {
      for (let count = 0; count < 100; count += 1) openCall(session, `/${QUERIES}/WatchThread`);
      await othersAreAnswered(100);
    } finally {
      session.destroy();
    }
  });

  it('nor do readers of server-sent events, or of long answers, over connections of their own', async () => {
    const frame = { contentType: 'text/event-stream', data: HALF_MIB, extensions: [] };
    const message = { id: 'm', body: HALF_MIB.toString() };
    answer((path) => path.endsWith('/GetMessages'), frame, { result: Array.from({ length: 8 }, () => message) });
    const sockets: Socket[] = [];
    try {
      for (let count = 0; count < 60; count += 1) {
        const path = count % 2 === 0 ? '/v1/threads/T/events' : '/v1/threads/T/messages';
        const socket = connect(envoy.settings.port, '127.0.0.1');
        socket.pause();
        socket.write(`GET ${path}?account_id=A HTTP/1.1\r\nhost: x\r\n\r\n`);
        sockets.push(socket);
      }
      await othersAreAnswered(60);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

function largeCommit(): object {
  const messagesAdded = { senderId: 'A', messages: [{ id: 'm', text: HALF_MIB.toString(), toAccountIds: [] }] };
  const events = [{ event: { $case: 'messagesAdded', value: messagesAdded } }];
  return { content: { $case: 'commit', value: { version: 1n, events, commitTime: undefined } } };
}

function openCall(session: ClientHttp2Session, path: string): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  // An empty request message.
  stream.end(Buffer.alloc(5));
}
