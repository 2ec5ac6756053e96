import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../platform/kernel/fault.js';
import { checkHistory, type Evidence, type Violation } from '../chaos/check-history.js';
import type { Operation } from '../chaos/history.js';
import { SeededRandom } from '../chaos/random.js';
import { readJournal, readRows } from '../chaos/read-evidence.js';
import { CallStats } from './call-stats.js';
import { Edge } from './edge.js';
import { compareHeaps, readHeapCensus, totalBytes, type HeapGrowth } from './heap-snapshot.js';
import { MixedLoad } from './mixed-load.js';
import type { ProcessSample } from './process-sample.js';
import { firstRound, laterRounds, restartEveryMs } from './restart-plan.js';
import { startRollingMesh, type PartName, type RollingMesh } from './rolling-mesh.js';
import { longLivedServices, Sampler } from './sampler.js';
import { Watchers, type WatchResult } from './watchers.js';

export interface RollingOptions {
  readonly seed: number;
  /** For so long there are calls at the share of the capacity, and restarts. */
  readonly durationMs: number;
  /** Takes the history (JSON lines), the mesh's data and logs, heap snapshots and what was measured. Its path must be short. */
  readonly folder: string;
  /** Of the capacity. @default 0.7 */
  readonly share?: number;
  /** How long the capacity is measured, after as long a warm-up. @default 30_000 */
  readonly capacityMs?: number;
  /** Takes a line for each step and restart. */
  readonly report: (line: string) => void;
  /** Ends the load early; the checks follow. @default never */
  readonly signal?: AbortSignal;
}

/** A part that was restarted. */
export interface Restart {
  readonly part: PartName;
  /** From the load's start. */
  readonly atMs: number;
  /** From the signal, or Envoy's drain, until it was healthy again. */
  readonly tookMs: number;
  /** Of that, without a process that answers. */
  readonly awayMs: number;
}

/** A long-lived service's heap in two quiet moments. */
export interface HeapComparison {
  readonly beforeMib: number;
  readonly afterMib: number;
  readonly growths: readonly HeapGrowth[];
}

export interface RollingResult {
  readonly seed: number;
  /** When the load at the share of the capacity began, epoch milliseconds. */
  readonly startedAt: number;
  /** How long it lasted, quiet moments included. */
  readonly elapsedMs: number;
  readonly capacityPerSecond: number;
  readonly share: number;
  readonly calls: CallStats;
  readonly watches: WatchResult;
  readonly restarts: readonly Restart[];
  readonly sampler: Sampler;
  /** When the two quiet moments were, from the load's start. */
  readonly quietAtMs: readonly [first: number, last: number];
  readonly fds: readonly [first: ReadonlyMap<PartName, ProcessSample>, last: ReadonlyMap<PartName, ProcessSample>];
  readonly heaps: ReadonlyMap<PartName, HeapComparison>;
  readonly violations: readonly Violation[];
  readonly commits: number;
  readonly threads: number;
  /** Why the run ended early, if it did for that. */
  readonly trouble: string | undefined;
}

const ROOMS = 100;
const WATCHERS = 24;
const CLIENTS = 48;
const PROGRESS_EVERY_MS = 10_000;
const EDGE_CHECK_EVERY_MS = 500;
/** Longer than threads stay in memory without a command. */
export const QUIET_MS = 22_000;
/** After a restart, before the next one. */
const REST_MS = 2_000;
const CATCH_UP_WITHIN_MS = 120_000;

/**
 * Starts a mesh, finds its capacity, and then has clients call at a share of it while everything is restarted in turn.
 * Then compares what clients were told with journal and read model, and what long-lived processes hold with what they held.
 * @throws MeshError when the mesh does not start
 */
export async function runRolling(options: RollingOptions): Promise<RollingResult> {
  const { seed, folder, report, share = 0.7, capacityMs = 30_000 } = options;
  await mkdir(folder, { recursive: true });
  const rolling = await startRollingMesh(folder);
  report('the mesh is up');
  const edges = rolling.edges.map((authority) => new Edge(authority));
  const open = new OpenEdges(edges);
  const historyFile = join(folder, 'history.jsonl');
  const history = createWriteStream(historyFile);
  const calls = new CallStats();
  let isMeasuring = false;
  const load = new MixedLoad({
    random: new SeededRandom(seed),
    edges: () => open.edges,
    rooms: ROOMS,
    onCall: (call) => isMeasuring && calls.add(call),
    onCommand: (operation) => void history.write(`${JSON.stringify(operation)}\n`),
  });
  let watchers: Watchers | undefined;
  let sampler: Sampler | undefined;
  try {
    await load.fillRooms();
    const random = new SeededRandom(seed + 1);
    watchers = Watchers.start({ edges: () => open.edges, rooms: load.rooms, random, watchers: WATCHERS });
    await load.closed(CLIENTS, capacityMs, options.signal);
    const capacityPerSecond = await load.closed(CLIENTS, capacityMs, options.signal);
    const rate = capacityPerSecond * share;
    report(`capacity ${capacityPerSecond.toFixed(0)} calls/s, so ${rate.toFixed(0)} calls/s from here on`);

    const startedAt = Date.now();
    isMeasuring = true;
    sampler = new Sampler(rolling, startedAt);
    const run = new Run(options, { rolling, load, calls, sampler, startedAt, rate });
    const firstMs = await run.until(firstRound, Infinity);
    const first = await run.quiet('first', folder);
    await run.until(laterRounds(), options.durationMs - firstMs);
    const last = await run.quiet('last', folder);
    const elapsedMs = Date.now() - startedAt;
    isMeasuring = false;
    await sampler.stop();
    load.rooms.retireAll();
    report('the load is over; watchers see the rest');
    const watches = await watchers.stop();
    watchers = undefined;
    history.end();
    await finished(history);
    report('comparing the history with journal and MySQL');
    const { evidence, violations } = await check(historyFile, rolling);
    const lines = violations.map((violation) => `${JSON.stringify(violation)}\n`).join('');
    await writeFile(join(folder, 'violations.jsonl'), lines);
    const commits = [...evidence.journal.values()].reduce((sum, { length }) => sum + length, 0);
    report('comparing heap snapshots');
    const heaps = new Map(longLivedServices.map((name) => [name, compareSnapshots(folder, name)]));
    return {
      ...{ seed, startedAt, elapsedMs, capacityPerSecond, share, calls, watches, restarts: run.restarts, sampler },
      quietAtMs: [first.atMs, last.atMs],
      fds: [first.fds, last.fds],
      ...{ heaps, violations, commits, threads: evidence.journal.size, trouble: run.trouble },
    };
  } finally {
    load.rooms.retireAll();
    await sampler?.stop();
    open.stop();
    for (const edge of edges) await edge.close();
    await rolling.stop();
  }
}

interface RunParts {
  readonly rolling: RollingMesh;
  readonly load: MixedLoad;
  readonly calls: CallStats;
  readonly sampler: Sampler;
  readonly startedAt: number;
  readonly rate: number;
}

/** The load, and what is done to the mesh meanwhile. */
class Run {
  readonly restarts: Restart[] = [];
  trouble: string | undefined;

  constructor(
    private readonly options: RollingOptions,
    private readonly parts: RunParts,
  ) {}

  /** Calls and restarts until the plan or the time is over. @returns how long that took, milliseconds */
  async until(plan: Iterable<PartName>, durationMs: number): Promise<number> {
    const begun = performance.now();
    const { load, rate, calls } = this.parts;
    const stop = new AbortController();
    const calling = load.open(rate, stop.signal);
    const ticking = setInterval(() => {
      const { calls: count, failed, repeated, p99, max } = calls.summary();
      this.#tell(
        `${count} calls, ${failed} failed, ${repeated} repeated, p99 ${p99.toFixed(0)} ms, longest ${max.toFixed(0)} ms, ` +
          `${load.inFlight} on their way`,
      );
    }, PROGRESS_EVERY_MS);
    try {
      await this.#restartAll(plan, performance.now() + durationMs);
    } catch (error) {
      this.trouble = toError(error).message;
      this.#tell(this.trouble);
    } finally {
      clearInterval(ticking);
      stop.abort();
      await calling;
      await load.idle();
    }
    return performance.now() - begun;
  }

  /** Nobody calls; watchers watch. Looks at what there is in memory, and at open files. */
  async quiet(name: 'first' | 'last', folder: string) {
    const { rolling, startedAt, sampler } = this.parts;
    this.#tell(`a quiet moment (${name}): heap snapshots`);
    await sleep(QUIET_MS);
    const fds = sampler.fdsNow();
    const atMs = Date.now() - startedAt;
    for (const part of longLivedServices) await rolling.probe(part).snapshot(snapshotFile(folder, part, name));
    return { atMs, fds };
  }

  async #restartAll(plan: Iterable<PartName>, until: number): Promise<void> {
    const { signal, durationMs } = this.options;
    const everyMs = restartEveryMs(durationMs);
    for (const part of plan) {
      const begun = performance.now();
      if (begun >= until || this.trouble !== undefined || signal?.aborted) return;
      const atMs = Date.now() - this.parts.startedAt;
      const { tookMs, awayMs } = await this.parts.rolling.restart(part);
      this.restarts.push({ part, atMs, tookMs, awayMs });
      this.#tell(
        `${part} restarted in ${(tookMs / 1_000).toFixed(1)} s, of which away ${(awayMs / 1_000).toFixed(1)} s`,
      );
      const restMs = Math.max(REST_MS, everyMs - (performance.now() - begun));
      await sleep(Math.min(restMs, Math.max(0, until - performance.now())), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  #tell(line: string): void {
    this.options.report(`+${((Date.now() - this.parts.startedAt) / 1_000).toFixed(0)} s: ${line}`);
  }
}

/** The Envoys whose door is open, as a balancer before them would know. */
class OpenEdges {
  edges: readonly Edge[];
  readonly #timer: NodeJS.Timeout;

  constructor(all: readonly Edge[]) {
    this.edges = all;
    this.#timer = setInterval(() => {
      void Promise.all(all.map((edge) => edge.isOpen())).then((isOpen) => {
        const open = all.filter((_, index) => isOpen[index]);
        this.edges = open.length > 0 ? open : all;
      });
    }, EDGE_CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The journal does not change any more; the read model gets the time to catch up. */
async function check(
  historyFile: string,
  { mesh, part }: RollingMesh,
): Promise<{ evidence: Evidence; violations: Violation[] }> {
  const operations: Operation[] = [];
  for await (const line of createInterface({ input: createReadStream(historyFile) })) {
    operations.push(JSON.parse(line) as Operation);
  }
  const startedAt = Date.now();
  for (;;) {
    const journal = await readJournal(mesh.natsUrl, 'bucketed');
    const evidence = { operations, ...journal, rows: await readRows(part('mysql').url) };
    const violations = checkHistory(evidence);
    const isBehind = violations.some(({ kind }) => kind === 'READ_MODEL');
    if (!isBehind || Date.now() - startedAt > CATCH_UP_WITHIN_MS) return { evidence, violations };
    await sleep(1_000);
  }
}

function compareSnapshots(folder: string, part: PartName): HeapComparison {
  const [before, after] = (['first', 'last'] as const).map((name) => readHeapCensus(snapshotFile(folder, part, name)));
  if (before === undefined || after === undefined) throw new Error(`no heap snapshots of ${part}`);
  const mib = (bytes: number): number => bytes / 1024 / 1024;
  return { beforeMib: mib(totalBytes(before)), afterMib: mib(totalBytes(after)), growths: compareHeaps(before, after) };
}

function snapshotFile(folder: string, part: PartName, name: 'first' | 'last'): string {
  return join(folder, `${part}-${name}.heapsnapshot`);
}
