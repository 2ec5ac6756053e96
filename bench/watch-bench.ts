import { ulid } from 'ulid';
import { newCall } from '../load/engine/user.js';
import { connect } from '../load/transports/connect.js';
import { startMesh } from '../mesh/local/index.js';
import { endProgress, printBeside, showProgress, summarize } from './table.js';

/** The bound for a live message on an idle machine, p99 in milliseconds. */
const BOUND_MS = 50;
const TIMEOUT_MS = 10_000;

/**
 * Posts messages one at a time through Envoy to a thread that is watched through Envoy, by gRPC, and takes the time until
 * the watcher has each. The reference is the AddMessages call itself, which is part of it.
 */
export async function benchWatch({ count = 1_000 }: { count: number | undefined }): Promise<void> {
  const mesh = await startMesh();
  const api = connect('grpc', `http://127.0.0.1:${mesh.ports.envoy}`, 1);
  const stop = new AbortController();
  try {
    const accountId = ulid();
    const { threadId } = await api.createThread(newCall(TIMEOUT_MS), { accountId, title: 'watched', memberIds: [] });
    const arrivals = new Map<number, number>();
    let onArrival: () => void = () => undefined;
    const watch = async (): Promise<void> => {
      const from = { accountId, threadId, fromVersion: 0, minVersion: 1 };
      for await (const { version } of api.watchThread(from, stop.signal)) {
        arrivals.set(version, performance.now());
        onArrival();
      }
    };
    const watching = watch();

    const [answered, arrived, behind]: [number[], number[], number[]] = [[], [], []];
    for (let index = -100; index < count; index += 1) {
      const startedAt = performance.now();
      const message = { accountId, threadId, text: `message ${index}` };
      const { version } = await api.postMessage(newCall(TIMEOUT_MS), message);
      const answeredAt = performance.now();
      const arrivedAt = await arrival(version);
      // The first ones warm everything up.
      if (index < 0) continue;
      answered.push(answeredAt - startedAt);
      arrived.push(arrivedAt - startedAt);
      behind.push(Math.max(0, arrivedAt - answeredAt));
      showProgress(`${index + 1} of ${count}`);
    }
    endProgress();
    stop.abort();
    await watching;
    const rows = {
      'from the post until a watcher has it': arrived,
      'of that, after the answer': behind,
      'AddMessages, until answered (reference)': answered,
    };
    printBeside(answered, rows);
    const { p99 } = summarize(arrived);
    console.log(`  bound: p99 ${BOUND_MS} ms on an idle machine; ${p99 <= BOUND_MS ? 'met' : 'MISSED'}`);

    function arrival(version: number): Promise<number> {
      return new Promise((resolve) => {
        onArrival = () => {
          const at = arrivals.get(version);
          if (at !== undefined) resolve(at);
        };
        onArrival();
      });
    }
  } finally {
    stop.abort();
    await api.close();
    await mesh.stop();
  }
}
