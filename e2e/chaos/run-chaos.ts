import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../platform/kernel/fault.js';
import { startChaosMesh, type ChaosMesh, type ChaosShape } from './chaos-mesh.js';
import { checkHistory, type Evidence, type Violation } from './check-history.js';
import type { Operation } from './history.js';
import { Load } from './load.js';
import { checkSilences, longestSilences, outagesOf, type Disturbance, type Span } from './outages.js';
import { readJournal, readRows } from './read-evidence.js';
import { runFaults } from './run-faults.js';
import { cuttable, natsNames, scheduleOf, type ScheduledFault, type ScheduleOptions } from './schedule.js';
import { grpcTransport, restTransport, type Transport } from './transports.js';

export interface ChaosOptions {
  /** Takes the mesh's data and logs, and a folder for each seed with its history (JSON lines), and violations with their threads. */
  readonly folder: string;
  /** Takes a line for each fault and step. */
  readonly report: (line: string) => void;
  /** Called every ten seconds. @default nobody is told */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the faults early; the checks follow. @default never */
  readonly signal?: AbortSignal;
  /** @default one NATS node, `per-thread` */
  readonly shape?: ChaosShape;
  /** Kinds of faults that are left out. @default none */
  readonly without?: ScheduleOptions['without'];
  /** See FaultOptions. @default 0 */
  readonly natsAgeMs?: number;
}

/** One schedule. */
export interface ChaosRun {
  /** The schedule follows from it, and from the duration. */
  readonly seed: number;
  /** For so long things go wrong. */
  readonly durationMs: number;
}

/** What has happened so far in a run. */
export interface Progress {
  readonly elapsedMs: number;
  readonly faults: number;
  readonly acknowledged: number;
  readonly rejected: number;
  readonly unknown: number;
  /** The longest time in which a request was answered, repeats included. */
  readonly longestMs: number;
}

export interface ChaosResult extends Progress {
  /** Those that no earlier run of the same mesh has found. */
  readonly violations: readonly Violation[];
  /** In all threads of the journal. */
  readonly commits: number;
  /** How long MySQL took to catch up after the load's end. */
  readonly caughtUpAfterMs: number;
  /** The longest time that a thread was without an answer, outages left out. */
  readonly longestSilenceMs: number;
}

const PROGRESS_EVERY_MS = 10_000;
const HEALTHY_WITHIN_MS = 60_000;
const CATCH_UP_WITHIN_MS = 60_000;
const POLL_MS = 250;
const TICK_MS = 100;
/** When the clients themselves stood still for so long, what they waited for in that time says nothing. */
const STALL_MS = 1_000;

/** Starts a mesh, runs one schedule on it, and stops it. Throws as `ChaosSession` does. */
export async function runChaos({ seed, durationMs, ...options }: ChaosOptions & ChaosRun): Promise<ChaosResult> {
  const session = await ChaosSession.open(options);
  try {
    return await session.run({ seed, durationMs });
  } finally {
    await session.stop();
  }
}

/** A mesh on which schedules run one after another: the servers grow old, what one has left behind meets the next. */
export class ChaosSession {
  /** Of all runs: threads of earlier ones must stay as they were. */
  readonly #operations: Operation[] = [];
  readonly #disturbances: Disturbance[] = [];
  readonly #stalls: Span[] = [];
  readonly #found = new Set<string>();
  readonly #transports: readonly Transport[];
  readonly #ticking: NodeJS.Timeout;

  private constructor(
    private readonly chaos: ChaosMesh,
    private readonly options: ChaosOptions,
  ) {
    this.#transports = transportsTo(chaos);
    let last = performance.now();
    this.#ticking = setInterval(() => {
      const stoodMs = performance.now() - last;
      last += stoodMs;
      if (stoodMs > STALL_MS) this.#stalls.push({ from: Date.now() - stoodMs, until: Date.now() });
    }, TICK_MS);
  }

  /** @throws MeshError when the mesh does not start */
  static async open(options: ChaosOptions): Promise<ChaosSession> {
    await mkdir(options.folder, { recursive: true });
    const shape = options.shape ?? { layout: 'per-thread', natsNodes: 1 };
    return new ChaosSession(await startChaosMesh(join(options.folder, 'mesh'), shape), options);
  }

  /**
   * Lets clients write while faults happen by schedule, and then compares what the clients were told, in this run and before, with journal and
   * read model.
   * @throws Error when a process does not come back after the last fault
   */
  async run({ seed, durationMs }: ChaosRun): Promise<ChaosResult> {
    const { without } = this.options;
    const schedule = scheduleOf(seed, durationMs, { natsNodes: this.chaos.shape.natsNodes, without });
    return this.#run(`seed-${seed}`, { seed, durationMs }, schedule);
  }

  /** Runs in peace, but for instances of thread-command that come and go, for so long. The checks are the same. */
  async warmUp(durationMs: number): Promise<ChaosResult> {
    const schedule = scheduleOf(0, durationMs).filter(({ fault: { kind, ...fault } }) => {
      return (
        kind === 'join' ||
        kind === 'terminate' ||
        (kind === 'kill' && 'victim' in fault && fault.victim.startsWith('thread-'))
      );
    });
    return this.#run('warm-up', { seed: 0, durationMs }, schedule);
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    for (const transport of this.#transports) transport.close();
    await this.chaos.stop();
  }

  async #run(name: string, run: ChaosRun, schedule: readonly ScheduledFault[]): Promise<ChaosResult> {
    const { report, onProgress = () => undefined, signal, natsAgeMs } = this.options;
    const folder = join(this.options.folder, name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'schedule.json'), JSON.stringify({ ...run, schedule }, undefined, 1));
    const startedAt = Date.now();
    const tally = { faults: 0, acknowledged: 0, rejected: 0, unknown: 0, longestMs: 0 };
    const progress = (): Progress => ({ ...tally, elapsedMs: Date.now() - startedAt });
    const ticking = setInterval(() => onProgress(progress()), PROGRESS_EVERY_MS);
    try {
      const operations: Operation[] = [];
      const history = createWriteStream(join(folder, 'history.jsonl'));
      const record = (operation: Operation): void => {
        operations.push(operation);
        history.write(`${JSON.stringify(operation)}\n`);
        const { outcome, completedAt, invokedAt } = operation;
        if (outcome.kind !== 'unexpected') tally[outcome.kind] += 1;
        tally.longestMs = Math.max(tally.longestMs, completedAt - invokedAt);
      };
      const load = Load.start({ seed: run.seed, transports: this.#transports, record });
      const onFault = (line: string): void => {
        tally.faults += 1;
        report(`${new Date().toISOString()} +${((Date.now() - startedAt) / 1_000).toFixed(1)} s: ${line}`);
      };
      const onDisturbance = (disturbance: Disturbance): void => void this.#disturbances.push(disturbance);
      let trouble: Error | undefined;
      await runFaults(schedule, this.chaos, { onFault, onDisturbance, natsAgeMs, signal })
        .then(() => untilHealthy(this.chaos))
        .catch((thrown: unknown) => (trouble = toError(thrown)));
      await load.stop();
      history.end();
      await finished(history);
      this.#operations.push(...operations);
      const outages = outagesOf(this.#disturbances, this.chaos.shape.natsNodes, this.#stalls);
      await writeFile(join(folder, 'outages.json'), JSON.stringify(outages, undefined, 1));
      if (trouble !== undefined) throw trouble;
      const { evidence, violations, caughtUpAfterMs } = await this.#check();
      const unanswered = checkSilences(operations, outages);
      const news = [...violations, ...unanswered].filter((violation) => !this.#found.has(JSON.stringify(violation)));
      for (const violation of news) this.#found.add(JSON.stringify(violation));
      if (news.length > 0) await keep(folder, evidence, news);
      const commits = [...evidence.journal.values()].reduce((sum, { length }) => sum + length, 0);
      const longestSilenceMs = Math.max(0, ...longestSilences(operations, outages).map(({ countedMs }) => countedMs));
      return { ...progress(), violations: news, commits, caughtUpAfterMs, longestSilenceMs };
    } finally {
      clearInterval(ticking);
    }
  }

  /** The journal does not change any more; the read model gets the time to catch up. */
  async #check(): Promise<{ evidence: Evidence; violations: Violation[]; caughtUpAfterMs: number }> {
    const { mesh, shape } = this.chaos;
    const hasWrongClocks = !(this.options.without ?? []).includes('jumpClock');
    const startedAt = Date.now();
    for (;;) {
      const journal = await readJournal(mesh.natsUrl, shape.layout);
      const rows = await readRows(mesh.process('mysql').url);
      const evidence = { operations: this.#operations, ...journal, rows, hasWrongClocks };
      const violations = checkHistory(evidence);
      const caughtUpAfterMs = Date.now() - startedAt;
      const isBehind = violations.some(({ kind }) => kind === 'READ_MODEL');
      if (!isBehind || caughtUpAfterMs > CATCH_UP_WITHIN_MS) return { evidence, violations, caughtUpAfterMs };
      await sleep(POLL_MS);
    }
  }
}

/** Each instance, and Envoy by gRPC and REST. The further instance is mostly not there: callers take another then. */
function transportsTo({ mesh, furtherAddress }: ChaosMesh): Transport[] {
  const { envoy, threadCommand, threadCommand2, threadCommand3 } = mesh.ports;
  return [
    ...[threadCommand, threadCommand2, threadCommand3].map((port) => grpcTransport(`127.0.0.1:${port}`)),
    grpcTransport(furtherAddress),
    grpcTransport(`127.0.0.1:${envoy}`),
    grpcTransport(`127.0.0.1:${envoy}`, { isAddressed: true }),
    restTransport(mesh.url),
  ];
}

async function untilHealthy({ mesh, shape }: ChaosMesh): Promise<void> {
  const servers = ['mysql', 'thread-query', 'thread-query-2', 'envoy'] as const;
  const names = [...natsNames(shape.natsNodes), ...cuttable, ...servers];
  await Promise.all(names.map((name) => mesh.process(name).waitHealthy(HEALTHY_WITHIN_MS)));
}

async function keep(folder: string, { journal }: Evidence, violations: readonly Violation[]): Promise<void> {
  const lines = (items: Iterable<unknown>) => [...items].map((item) => `${JSON.stringify(item)}\n`).join('');
  await writeFile(join(folder, 'violations.jsonl'), lines(violations));
  const threadIds = new Set(violations.flatMap(({ threadId }) => threadId ?? []));
  const commits = [...threadIds].flatMap((threadId) => journal.get(threadId) ?? []);
  await writeFile(join(folder, 'journal.jsonl'), lines(commits));
}
