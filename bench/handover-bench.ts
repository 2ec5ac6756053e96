import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { protoClient, type ProtoClient } from '../services/shared/testing/proto-client.js';
import { startNatsServer } from '../services/shared/testing/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../services/shared/testing/service-process.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

const THREADS = 24;
/** Each thread gets a call so often, unless the one before takes longer. */
const CALL_EVERY_MS = 100;
/** How long to look on without a disturbance, and after each. */
const UNDISTURBED_MS = 2_000;
const AFTERWARDS_MS = 500;
/** Longer than the others need to take over from one that was killed. */
const KILLED_MS = 3_000;

interface Instance {
  readonly service: ServiceProcess;
  readonly commands: ProtoClient;
}

/** What a window of time saw. */
interface Window {
  readonly calls: number[];
  /** For each thread, when it was answered last. */
  readonly answeredAt: Map<string, number>;
  longestGapMs: number;
}

/**
 * Three thread-command processes under a moderate load through the two that stay: the third one leaves (SIGTERM), joins
 * again, and is killed (kill -9), `count` times. The reference is the same load in between, undisturbed.
 */
export async function benchHandover({ count = 5 }: { count: number | undefined }): Promise<void> {
  const nats = await startNatsServer();
  const account = ulid();
  const instances: Instance[] = [];
  const start = async (): Promise<Instance> => {
    const env = { NATS_URL: nats.url, LOG_LEVEL: 'info' };
    const service = await startServiceProcess('dist/services/thread-command/main.js', env);
    const proto = 'threadweaver/thread/v1/thread_command_service.proto';
    const commands = protoClient(proto, 'threadweaver.thread.v1.ThreadCommandService', service.address);
    const instance = { service, commands };
    instances.push(instance);
    return instance;
  };
  try {
    const stay = [await start(), await start()];
    const creation = { account_id: account, title: 'a thread', administrator_ids: [account] };
    const threadIds = await Promise.all(
      Array.from({ length: THREADS }, async (_, index) => {
        const { thread_id } = (await stay[index % 2]?.commands.call('CreateThread', creation)) ?? {};
        return String(thread_id);
      }),
    );
    const windows: Record<string, Window[]> = {
      undisturbed: [],
      'while one leaves': [],
      'while one joins': [],
      'while one is killed': [],
    };
    let current: Window = { calls: [], answeredAt: new Map(), longestGapMs: 0 };
    const look = async (what: string, disturb: () => Promise<unknown>): Promise<void> => {
      current = { calls: [], answeredAt: new Map(threadIds.map((id) => [id, performance.now()])), longestGapMs: 0 };
      windows[what]?.push(current);
      await disturb();
      await delay(what === 'undisturbed' ? 0 : AFTERWARDS_MS);
    };
    let failed = 0;
    let isOver = false;
    const posting = threadIds.map(async (thread_id, index) => {
      await delay((index * CALL_EVERY_MS) / THREADS);
      for (let turn = index; !isOver; turn += 1) {
        const startedAt = performance.now();
        const window = current;
        const request = { request_id: ulid(), account_id: account, thread_id, messages: [{ text: 'hi' }] };
        try {
          await stay[turn % 2]?.commands.call('AddMessages', request);
        } catch (error) {
          failed += 1;
          console.error(error);
        }
        const now = performance.now();
        window.calls.push(now - startedAt);
        // A call that began in the window before is still counted there, but the gap that it ends is in this one.
        current.longestGapMs = Math.max(current.longestGapMs, now - (current.answeredAt.get(thread_id) ?? now));
        current.answeredAt.set(thread_id, now);
        await delay(Math.max(0, CALL_EVERY_MS - (now - startedAt)));
      }
    });
    let third = await start();
    // Everything warms up.
    await delay(2 * UNDISTURBED_MS);
    for (let round = 1; round <= count; round += 1) {
      showProgress(`round ${round} of ${count}`);
      await look('undisturbed', () => delay(UNDISTURBED_MS));
      await look('while one leaves', async () => {
        third.service.kill('SIGTERM');
        await third.service.exited;
      });
      await look('while one joins', async () => (third = await start()));
      await look('undisturbed', () => delay(UNDISTURBED_MS / 2));
      await look('while one is killed', async () => {
        third.service.kill('SIGKILL');
        await delay(KILLED_MS);
      });
      third = await start();
      await delay(AFTERWARDS_MS);
    }
    isOver = true;
    await Promise.all(posting);
    endProgress();
    report(windows);
    console.log(
      `  ${failed} calls failed; a gap is the time between two answers in a thread, which is called every ${CALL_EVERY_MS} ms`,
    );
  } finally {
    for (const { service, commands } of instances) {
      commands.close();
      service.kill('SIGKILL');
      await service.exited;
    }
    await nats.stop();
  }
}

function report(windows: Readonly<Record<string, readonly Window[]>>): void {
  const longestOf = (those: readonly Window[]): number => summarize(those.map(({ calls }) => summarize(calls).max)).p50;
  const reference = longestOf(windows.undisturbed ?? []);
  printTable(
    Object.entries(windows).map(([what, those]) => {
      const { p50, p99, max } = summarize(those.flatMap(({ calls }) => calls));
      const longest = longestOf(those);
      return {
        'ms a call': what,
        p50,
        p99,
        'longest of a window, median': longest,
        'of reference': longest / reference,
        longest: max,
        'longest gap': Math.max(...those.map(({ longestGapMs }) => longestGapMs)),
      };
    }),
  );
}
