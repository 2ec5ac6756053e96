import { ulid } from 'ulid';
import { startMesh } from '../mesh/local/index.js';
import { protoClient } from '../platform/testing/proto-client.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

/** The bound for a live message on an idle machine, p99 in milliseconds. */
const BOUND_MS = 50;

/**
 * Posts messages one at a time through Envoy to a thread that is watched through Envoy, by gRPC, and takes the time until
 * the watcher has each. The reference is the AddMessages call itself, which is part of it.
 */
export async function benchWatch({ count = 1_000 }: { count: number | undefined }): Promise<void> {
  const mesh = await startMesh();
  const authority = `127.0.0.1:${mesh.ports.envoy}`;
  const client = (name: string) =>
    protoClient(
      `threadweaver/thread/v1/thread_${name.toLowerCase()}_service.proto`,
      `threadweaver.thread.v1.Thread${name}Service`,
      authority,
    );
  const [commands, queries] = [client('Command'), client('Query')];
  try {
    const account = ulid();
    const created = { account_id: account, title: 'watched', administrator_ids: [account] };
    const { thread_id: threadId } = await commands.call('CreateThread', created);
    const thread = { account_id: account, thread_id: threadId };
    const stream = queries.stream('WatchThread', { ...thread, min_version: 1 });
    const arrivals = new Map<string, number>();
    let onArrival: () => void = () => undefined;
    stream.on('error', () => undefined);
    stream.on('data', ({ commit }: { commit?: { version: string } }) => {
      if (commit === undefined) return;
      arrivals.set(commit.version, performance.now());
      onArrival();
    });

    const [answered, arrived, behind]: [number[], number[], number[]] = [[], [], []];
    for (let index = -100; index < count; index += 1) {
      const startedAt = performance.now();
      const request = { ...thread, messages: [{ text: `message ${index}` }] };
      const { version } = await commands.call('AddMessages', request);
      const answeredAt = performance.now();
      const arrivedAt = await arrival(String(version));
      // The first ones warm everything up.
      if (index < 0) continue;
      answered.push(answeredAt - startedAt);
      arrived.push(arrivedAt - startedAt);
      behind.push(Math.max(0, arrivedAt - answeredAt));
      showProgress(`${index + 1} of ${count}`);
    }
    endProgress();
    stream.cancel();
    const reference = summarize(answered);
    const rows = {
      'from the post until a watcher has it': arrived,
      'of that, after the answer': behind,
      'AddMessages, until answered (reference)': answered,
    };
    printTable(
      Object.entries(rows).map(([what, samples]) => {
        const summary = summarize(samples);
        return { 'ms, one at a time': what, ...summary, 'p50 / reference': summary.p50 / reference.p50 };
      }),
    );
    const { p99 } = summarize(arrived);
    console.log(`  bound: p99 ${BOUND_MS} ms on an idle machine; ${p99 <= BOUND_MS ? 'met' : 'MISSED'}`);

    function arrival(version: string): Promise<number> {
      return new Promise((resolve) => {
        onArrival = () => {
          const at = arrivals.get(version);
          if (at !== undefined) resolve(at);
        };
        onArrival();
      });
    }
  } finally {
    commands.close();
    queries.close();
    await mesh.stop();
  }
}
