import type { handleUnaryCall } from '@grpc/grpc-js';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { HealthImplementation } from 'grpc-health-check';
import { ulid } from 'ulid';
import {
  AddMessagesRequest as RestAddMessagesRequest,
  CreateThreadRequest as RestCreateThreadRequest,
  ThreadRestCommandServiceService,
  type AddMessagesResponse as RestAddMessagesResponse,
  type CreateThreadResponse as RestCreateThreadResponse,
} from '../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import {
  AddMessagesRequest,
  type AddMessagesResponse,
  CreateThreadRequest,
  type CreateThreadResponse,
  ThreadCommandServiceService,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { partitionOf } from '../../platform/ownership/partition.js';
import { JetStreamPublisher } from '../../platform/nats/jetstream-publisher.js';
import { journalStream } from '../../platform/nats/open-stream.js';
import { bareServer, listen } from './listening.js';

/**
 * The reference of thread-command: only what cannot be left out. Decodes the request, publishes one message that is
 * fenced by the expected last sequence to streams of the same layout, waits for its acknowledgement, answers. No rules,
 * no idempotency, no feed, no log, no metrics. Written once for speed: callbacks, no classes.
 *
 * BENCH_PUBLISH: `library` publishes by the NATS client's own call, `light` by the service's publisher, `none` not at all,
 * which shows what grpc-js takes alone.
 */
const { NATS_URL = '', BENCH_LAYOUT = 'per-thread', BENCH_PADDING = '0', BENCH_PUBLISH = 'library' } = process.env;
const BUCKETS = 16;
/** What the service's headers take more than ours, so that both write messages of the same size. */
const padding = Buffer.alloc(Number(BENCH_PADDING), 0x78);

const connection = await connect({ servers: NATS_URL });
const js = jetstream(connection, { timeout: 10_000 });
const light = new JetStreamPublisher(connection, { timeoutMs: 10_000 });
const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 10_000 });
const isBucketed = BENCH_LAYOUT === 'bucketed';
if (isBucketed) {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    await manager.streams.add(journalStream(`BARE_${bucket}`, `bare.${bucket}.*`, 1));
  }
}

/** Where each thread's last message lies. */
const sequences = new Map<string, number>();

function subjectOf(threadId: string): string {
  return isBucketed ? `bare.${partitionOf(threadId, BUCKETS)}.${threadId}` : `bare.${threadId}`;
}

function publish(threadId: string, data: Uint8Array): Promise<number> {
  const last = sequences.get(threadId) ?? 0;
  const payload = Buffer.concat([data, padding]);
  const taken = ({ seq }: { seq: number }): number => {
    sequences.set(threadId, seq);
    return seq;
  };
  if (BENCH_PUBLISH === 'none') return Promise.resolve(taken({ seq: last + 1 }));
  if (BENCH_PUBLISH === 'light') {
    const terms = isBucketed ? { expectLastSubjectSequence: last } : { expectLastSequence: last };
    return light.publish(subjectOf(threadId), payload, undefined, terms).then(taken);
  }
  const expect = isBucketed ? { lastSubjectSequence: last } : { lastSequence: last };
  return js.publish(subjectOf(threadId), payload, { expect }).then(taken);
}

async function create(data: Uint8Array): Promise<string> {
  const threadId = ulid();
  if (!isBucketed && BENCH_PUBLISH !== 'none')
    await manager.streams.add(journalStream(`BARE_${threadId}`, subjectOf(threadId), 1));
  await publish(threadId, data);
  return threadId;
}

const createThread: handleUnaryCall<CreateThreadRequest, CreateThreadResponse> = ({ request }, respond) => {
  create(CreateThreadRequest.encode(request).finish()).then(
    (threadId) => respond(null, { threadId, version: 1n }),
    (error: Error) => respond(error),
  );
};

/** An id of the right length: making real ones is not what is measured. */
const messageId = ulid();

const addMessages: handleUnaryCall<AddMessagesRequest, AddMessagesResponse> = ({ request }, respond) => {
  publish(request.threadId, AddMessagesRequest.encode(request).finish()).then(
    (version) => respond(null, { version: BigInt(version), messageIds: request.messages.map(() => messageId) }),
    (error: Error) => respond(error),
  );
};

const restCreateThread: handleUnaryCall<RestCreateThreadRequest, RestCreateThreadResponse> = ({ request }, respond) => {
  create(RestCreateThreadRequest.encode(request).finish()).then(
    (threadId) => respond(null, { createdThreadId: threadId, documentedThreadId: threadId, errorMessages: [] }),
    (error: Error) => respond(error),
  );
};

const restAddMessages: handleUnaryCall<RestAddMessagesRequest, RestAddMessagesResponse> = ({ request }, respond) => {
  publish(request.threadId, RestAddMessagesRequest.encode(request).finish()).then(
    () => respond(null, { messageIds: [messageId], errorMessages: [] }),
    (error: Error) => respond(error),
  );
};

const server = bareServer();
server.addService(ThreadCommandServiceService, { createThread, addMessages } as never);
server.addService(ThreadRestCommandServiceService, {
  createThread: restCreateThread,
  addMessages: restAddMessages,
} as never);
// Envoy asks for it.
new HealthImplementation({ '': 'SERVING' }).addToServer(server);
listen(server, () => connection.close());
