import { Database } from '../../mysql/database.js';
import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import type { ProjectionOperations } from '../../mysql/projection-operations.js';
import { MySqlProjectionStore } from '../../mysql/projection-store.js';
import { MySqlParkedAggregates } from '../../mysql/mysql-parked-aggregates.js';
import { ShadowDatabase } from '../../mysql/shadow-database.js';
import { Fault } from '../../kernel/fault.js';
import { chunksOf } from '../../process/chunks-of.js';
import { inParallel } from '../../process/in-parallel.js';
import type { AggregateVersion, Journal } from '../../journal/journal.js';
import { noProgress, type Progress } from '../../process/progress.js';
import { projectionPartitionOf, type ProjectionPartitions } from '../../projection/projection-partition.js';
import type { ProjectionObserver } from '../../projection/projection-observer.js';
import { ProjectionWriter } from '../../projection/projection-writer.js';

export interface RebuildParts {
  readonly url: string;
  /** The read model that is to be replaced. */
  readonly database: Database;
  readonly projection: ProjectionDeclaration;
  readonly operations: ProjectionOperations;
  readonly journal: Pick<Journal, 'read' | 'list'>;
  readonly partitions: ProjectionPartitions;
  /**
   * The journal was restored from an older state: what the present read model has beyond it is left out.
   * @default false, that is an error
   */
  readonly isJournalRestored?: boolean;
  /** What a person types in front of `rebuild`. */
  readonly command: string;
  readonly progress?: Progress;
}

export interface RebuildOutcome {
  readonly aggregates: number;
  readonly commits: number;
  readonly parkedAggregates: number;
  /** How long nothing was projected, in milliseconds. */
  readonly pausedMs: number;
}

interface Behind extends AggregateVersion {
  /** What it has. */
  readonly from: number;
}

/** So many partitions are projected at once. */
const LANES = 4;
const CHUNK = 500;
/** Aggregates handed to a writer at once; it reads 16 histories at a time. */
const REPAIR_CHUNK = 64;
const BATCH_COMMITS = 500;
/** With fewer commits left than this, or after so many rounds, projection pauses for the last ones. */
const FEW_COMMITS = 200;
const MAX_ROUNDS = 8;
/** How often the last comparison is repeated when the journal's list was not complete. */
const MAX_FINAL_ROUNDS = 3;
/** So many aggregates are named at most. */
const NAMED = 5;

/**
 * Makes the read model anew beside the present one, from the journal, and puts it in its place. Queries and projection
 * go on, but for a pause at the end that holds for as long as this session of the database lives.
 *
 * @throws Fault reason REBUILD_RUNNING, NOT_MIGRATED, NO_PRIVILEGE, TABLES_DIFFER or NOT_CAUGHT_UP; the present read model
 * stays then
 */
export async function rebuildReadModel(parts: RebuildParts): Promise<RebuildOutcome> {
  const { url, projection, operations } = parts;
  const shadow = await ShadowDatabase.open(url, projection);
  try {
    // Of a rebuild that has died.
    await operations.resume('rebuild');
    await shadow.create();
    const database = new Database({ url: shadow.url, maxConnections: LANES + 1, statementTimeoutMs: 60_000 });
    try {
      const rebuild = await Rebuild.begin(parts, database);
      const outcome = await rebuild.run(() => shadow.swap());
      return outcome;
    } finally {
      await database.close();
      await shadow.drop();
    }
  } finally {
    shadow.close();
  }
}

class Rebuild {
  readonly #writers: ProjectionWriter[] = [];
  readonly #total = { aggregates: 0, commits: 0 };
  /** Projected since it was last looked at. */
  #projected = 0;

  private constructor(private readonly parts: RebuildParts) {}

  static async begin(parts: RebuildParts, database: Database): Promise<Rebuild> {
    const rebuild = new Rebuild(parts);
    const { projection, journal, partitions, progress = noProgress } = parts;
    const observer: ProjectionObserver = (event) => {
      if (event.kind !== 'projected') return;
      rebuild.#projected += event.commits.length;
      progress.advance(event.commits.length);
    };
    for (let partition = 0; partition < partitions.count; partition += 1) {
      const store = new MySqlProjectionStore(database, projection.rows, { projection, partition });
      const own = { store, journal, observer, maxCommits: BATCH_COMMITS };
      rebuild.#writers.push(new ProjectionWriter(own, await store.loadCheckpoint(), new Map()));
    }
    return rebuild;
  }

  async run(swap: () => Promise<void>): Promise<RebuildOutcome> {
    const { operations } = this.parts;
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      const behind = await this.#behind('journal');
      await this.#project(behind, round === 1 ? 'projecting' : 'catching up');
      if (commitsOf(behind) < FEW_COMMITS) break;
    }
    const pausedAt = performance.now();
    // Returns when no projector is in a transaction, and none begins another one.
    await operations.pause('rebuild');
    try {
      for (let round = 1; ; round += 1) {
        // What the journal has beyond that, the feed brings after the swap.
        const behind = await this.#behind('read model');
        if (behind.length === 0) break;
        if (round > MAX_FINAL_ROUNDS) {
          throw notCaughtUp(behind, this.parts.command);
        }
        await this.#project(behind, 'projecting the last');
      }
      await swap();
    } finally {
      await operations.resume('rebuild');
    }
    const parked = await Promise.all(
      this.#writers.map(async (_, partition) => this.#storeOf(partition).loadParkedVersions()),
    );
    return {
      ...this.#total,
      parkedAggregates: parked.reduce((sum, { size }) => sum + size, 0),
      pausedMs: performance.now() - pausedAt,
    };
  }

  /** Aggregates of which the journal, or the present read model, projected or parked, has more. */
  async #behind(than: 'journal' | 'read model'): Promise<Behind[]> {
    const { journal, partitions, database, projection } = this.parts;
    const { rows, name } = projection;
    const live = new MySqlProjectionStore(database, rows, { projection });
    const parked = new Map<string, number>();
    for (const { aggregateId, lastVersion } of await new MySqlParkedAggregates(database, rows, name).list()) {
      parked.set(aggregateId, lastVersion);
    }
    const behind: Behind[] = [];
    let aggregates = 0;
    for await (const chunk of chunksOf(journal.list(), CHUNK)) {
      aggregates += chunk.length;
      const ids = chunk.map(({ aggregateId }) => aggregateId);
      const projected = await live.loadVersions(ids);
      const byWriter = new Map<ProjectionWriter, string[]>();
      for (const id of ids) {
        const writer = this.#writerOf(projectionPartitionOf(id, partitions));
        byWriter.set(writer, [...(byWriter.get(writer) ?? []), id]);
      }
      const found = new Map<string, number>();
      for (const [writer, own] of byWriter)
        for (const [id, version] of await writer.loadVersions(own)) found.set(id, version);
      for (const { aggregateId, version } of chunk) {
        const from = found.get(aggregateId) ?? 0;
        const known = Math.max(projected.get(aggregateId) ?? 0, parked.get(aggregateId) ?? 0);
        const present = this.parts.isJournalRestored ? Math.min(known, version) : known;
        const to = than === 'journal' ? Math.max(version, present) : present;
        if (to > from) behind.push({ aggregateId, version: to, from });
      }
    }
    this.#total.aggregates = Math.max(this.#total.aggregates, aggregates);
    return behind;
  }

  async #project(behind: readonly Behind[], task: string): Promise<void> {
    const { partitions, progress = noProgress } = this.parts;
    const byPartition = new Map<number, Behind[]>();
    for (const one of behind) {
      const partition = projectionPartitionOf(one.aggregateId, partitions);
      const own = byPartition.get(partition);
      if (own) own.push(one);
      else byPartition.set(partition, [one]);
    }
    const total = commitsOf(behind);
    this.#projected = 0;
    progress.begin(task, total, 'commits');
    try {
      await inParallel(byPartition, LANES, async ([partition, own]) => {
        for (let start = 0; start < own.length; start += REPAIR_CHUNK) {
          const chunk = own.slice(start, start + REPAIR_CHUNK).map(({ aggregateId }) => aggregateId);
          await this.#writerOf(partition).repair(chunk);
        }
      });
      // Parked ones are dealt with as well.
      if (this.#projected < total) progress.advance(total - this.#projected);
    } finally {
      this.#total.commits += this.#projected;
      progress.end();
    }
  }

  #writerOf(partition: number): ProjectionWriter {
    const writer = this.#writers[partition];
    if (writer === undefined) throw new Error(`there is no partition ${partition}`);
    return writer;
  }

  #storeOf(partition: number): MySqlProjectionStore {
    // The dead letters are where the read model now is.
    const { database, projection } = this.parts;
    return new MySqlProjectionStore(database, projection.rows, { projection, partition });
  }
}

/** The journal's list may lack the last commits of a cluster that is busy with itself; else the journal has lost them. */
function notCaughtUp(behind: readonly Behind[], command: string): Fault {
  const named = behind
    .slice(0, NAMED)
    .map(({ aggregateId, from, version }) => `${aggregateId} (${from} of ${version})`);
  const more = behind.length > NAMED ? ` and ${behind.length - NAMED} more` : '';
  return new Fault(
    'unavailable',
    'NOT_CAUGHT_UP',
    `the journal has less than the read model of ${named.join(', ')}${more}; nothing was changed. ` +
      `If it was restored from an older state, \`${command} rebuild --journal-restored\` leaves out what it lacks`,
  );
}

function commitsOf(behind: readonly Behind[]): number {
  return behind.reduce((sum, { version, from }) => sum + version - from, 0);
}
