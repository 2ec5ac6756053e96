import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../shared/kernel/fault.js';
import { startChaosMesh, type ChaosMesh } from './chaos-mesh.js';
import { checkHistory, type Evidence, type Violation } from './check-history.js';
import type { Operation } from './history.js';
import { Load } from './load.js';
import { readJournal, readRows } from './read-evidence.js';
import { runFaults } from './run-faults.js';
import { cuttable, scheduleOf } from './schedule.js';
import { grpcTransport, restTransport, type Transport } from './transports.js';

export interface ChaosOptions {
  /** The schedule follows from it, and from the duration. */
  readonly seed: number;
  /** For so long things go wrong. */
  readonly durationMs: number;
  /** Takes the history (JSON lines), the mesh's data and logs, and the violations with their threads. */
  readonly folder: string;
  /** Takes a line for each fault and step. */
  readonly report: (line: string) => void;
  /** Called every ten seconds. @default nobody is told */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the faults early; the checks follow. @default never */
  readonly signal?: AbortSignal;
}

/** What has happened so far. */
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
  readonly violations: readonly Violation[];
  /** In all threads of the journal. */
  readonly commits: number;
  /** How long MySQL took to catch up after the load's end. */
  readonly caughtUpAfterMs: number;
}

const PROGRESS_EVERY_MS = 10_000;
const HEALTHY_WITHIN_MS = 60_000;
const CATCH_UP_WITHIN_MS = 60_000;
const POLL_MS = 250;

/**
 * Starts a mesh, lets clients write while faults happen to it by schedule, and then compares what the clients were told
 * with journal and read model.
 * @throws MeshError when the mesh does not start
 * @throws Error when a process does not come back after the last fault
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, durationMs, folder, report, onProgress = () => undefined } = options;
  await mkdir(folder, { recursive: true });
  const schedule = scheduleOf(seed, durationMs);
  await writeFile(join(folder, 'schedule.json'), JSON.stringify({ seed, durationMs, schedule }, undefined, 1));
  const chaos = await startChaosMesh(join(folder, 'mesh'));
  const startedAt = Date.now();
  const tally = { faults: 0, acknowledged: 0, rejected: 0, unknown: 0, longestMs: 0 };
  const progress = (): Progress => ({ ...tally, elapsedMs: Date.now() - startedAt });
  const transports = transportsTo(chaos);
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
    const load = Load.start({ seed, transports, record });
    const onFault = (line: string): void => {
      tally.faults += 1;
      report(`${new Date().toISOString()} +${((Date.now() - startedAt) / 1_000).toFixed(1)} s: ${line}`);
    };
    let trouble: Error | undefined;
    await runFaults(schedule, chaos, { onFault, signal: options.signal })
      .then(() => untilHealthy(chaos))
      .catch((thrown: unknown) => (trouble = toError(thrown)));
    await load.stop();
    history.end();
    await finished(history);
    if (trouble !== undefined) throw trouble;
    const { evidence, violations, caughtUpAfterMs } = await check(operations, chaos);
    if (violations.length > 0) await keep(folder, evidence, violations);
    const commits = [...evidence.journal.values()].reduce((sum, { length }) => sum + length, 0);
    return { ...progress(), violations, commits, caughtUpAfterMs };
  } finally {
    clearInterval(ticking);
    for (const transport of transports) transport.close();
    await chaos.stop();
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

async function untilHealthy({ mesh }: ChaosMesh): Promise<void> {
  const names = ['nats', 'mysql', ...cuttable, 'thread-query', 'thread-query-2', 'envoy'] as const;
  await Promise.all(names.map((name) => mesh.process(name).waitHealthy(HEALTHY_WITHIN_MS)));
}

/** The journal does not change any more; the read model gets the time to catch up. */
async function check(
  operations: readonly Operation[],
  { mesh }: ChaosMesh,
): Promise<{ evidence: Evidence; violations: Violation[]; caughtUpAfterMs: number }> {
  const startedAt = Date.now();
  for (;;) {
    const journal = await readJournal(mesh.natsUrl);
    const evidence = { operations, ...journal, rows: await readRows(mesh.process('mysql').url) };
    const violations = checkHistory(evidence);
    const caughtUpAfterMs = Date.now() - startedAt;
    const isBehind = violations.some(({ kind }) => kind === 'READ_MODEL');
    if (!isBehind || caughtUpAfterMs > CATCH_UP_WITHIN_MS) return { evidence, violations, caughtUpAfterMs };
    await sleep(POLL_MS);
  }
}

async function keep(folder: string, { journal }: Evidence, violations: readonly Violation[]): Promise<void> {
  const lines = (items: Iterable<unknown>) => [...items].map((item) => `${JSON.stringify(item)}\n`).join('');
  await writeFile(join(folder, 'violations.jsonl'), lines(violations));
  const threadIds = new Set(violations.flatMap(({ threadId }) => threadId ?? []));
  const commits = [...threadIds].flatMap((threadId) => journal.get(threadId) ?? []);
  await writeFile(join(folder, 'journal.jsonl'), lines(commits));
}
