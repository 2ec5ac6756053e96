import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { JournalLayout } from '../../platform/nats/open-journal.js';
import { startNatsServer, type RunningServer } from '../../mesh/servers/index.js';
import { LoadDriver } from './load-driver.js';
import { startBenchProcess, type BenchProcess } from './processes.js';
import type { Contestant } from './rounds.js';

/** What a line of the write path runs on. */
export interface CommandServers {
  readonly nats: RunningServer;
  /** thread-command, as production starts it. */
  readonly services: readonly BenchProcess[];
  /** Undefined when it was not asked for. */
  readonly bare: BenchProcess | undefined;
  readonly driver: LoadDriver;
}

export interface CommandServersOptions {
  readonly layout?: JournalLayout;
  /** So many processes of thread-command. @default 1 */
  readonly instances?: number;
  /** Starts the bare server too. @default true */
  readonly bare?: boolean;
}

/** The settings of thread-command that differ from its defaults: none that make it faster. */
export function serviceEnv(nats: RunningServer, layout: JournalLayout): Record<string, string> {
  // A load creates all its threads by one account.
  const streams = { JOURNAL_MAX_STREAMS: '50000', JOURNAL_MAX_STREAMS_PER_ACCOUNT: '50000' };
  return { NATS_URL: nats.url, JOURNAL_LAYOUT: layout, METRICS_PORT: '0', ...streams };
}

/** Runs `work` on a nats-server of its own that flushes each write, thread-command, the bare server and a driver. */
export async function withCommandServers<T>(
  { layout = 'per-thread', instances = 1, bare: withBare = true }: CommandServersOptions,
  work: (servers: CommandServers) => Promise<T>,
): Promise<T> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const nats = await startNatsServer();
    stops.push(() => nats.stop());
    const services: BenchProcess[] = [];
    for (let instance = 0; instance < instances; instance += 1) {
      const service = await startBenchProcess('services/thread/command/main.ts', { env: serviceEnv(nats, layout) });
      stops.push(() => service.stop());
      services.push(service);
    }
    const bare = withBare ? await startBare(nats, layout) : undefined;
    if (bare !== undefined) stops.push(() => bare.stop());
    const driver = new LoadDriver();
    stops.push(() => driver.close());
    const result = await work({ nats, services, bare, driver });
    if (bare !== undefined) await assertSameSizes(nats);
    return result;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** @param publish see bench/references/bare-commands.ts */
export function startBare(
  nats: RunningServer,
  layout: JournalLayout,
  publish: 'library' | 'light' | 'none' = 'library',
): Promise<BenchProcess> {
  return startBenchProcess('bench/references/bare-commands.ts', {
    env: { NATS_URL: nats.url, BENCH_LAYOUT: layout, BENCH_PADDING: `${HEADER_BYTES}`, BENCH_PUBLISH: publish },
  });
}

/** About what the service's headers take more than the bare server's; `assertSameSizes` looks whether that is so. */
const HEADER_BYTES = 455;
const SIZES_MAY_DIFFER = 0.1;

/** @throws Error when the messages that the bare server has written are of another size than the service's commits */
async function assertSameSizes({ url }: RunningServer): Promise<void> {
  const connection = await connect({ servers: url });
  try {
    const manager = await jetstreamManager(connection);
    const bytesOf = async (names: RegExp): Promise<number> => {
      let [bytes, messages] = [0, 0];
      for await (const { config, state } of manager.streams.list()) {
        if (names.test(config.name)) [bytes, messages] = [bytes + state.bytes, messages + state.messages];
      }
      return bytes / messages;
    };
    const [commits, bare] = [await bytesOf(/^THREAD_(JOURNAL_\d+|[0-9A-Z]{26})$/), await bytesOf(/^BARE_/)];
    const sizes = `a commit takes ${commits.toFixed(0)} bytes, the bare server's message ${bare.toFixed(0)}`;
    console.log(`  ${sizes}`);
    if (Math.abs(commits / bare - 1) > SIZES_MAY_DIFFER) throw new Error(sizes);
  } finally {
    await connection.close();
  }
}

/** The bare server, if there is one, and thread-command, ready to be compared. */
export function contestantsOf({
  bare,
  services,
  nats,
}: CommandServers): (Contestant & { readonly addresses: readonly string[] })[] {
  const both = [
    ['bare', bare === undefined ? [] : [bare]],
    ['thread-command', services],
  ] as const;
  return both
    .filter(([, processes]) => processes.length > 0)
    .map(([name, processes]) => ({
      name,
      addresses: processes.map(({ address }) => address),
      pids: { service: processes.map(({ pid }) => pid), nats: [nats.pid] },
    }));
}
