import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import type { JournalLayout } from '../../platform/nats/open-journal.js';

/** What an installation with so many threads showed. */
export interface MeasuredSize {
  readonly layout: JournalLayout;
  readonly threads: number;
  /** Commits of each thread when it was filled: its creation, then one message each. */
  readonly commits: number;
  /** Commits a second while it was filled; without flushes. */
  readonly filledPerSecond: number;
  readonly natsRestartMs: number;
  /** Resident memory after that, before any load. */
  readonly natsMib: number;
  /** JetStream's files. */
  readonly natsDiskBytes: number;
  /** From the start of a thread-command process until it is SERVING. */
  readonly commandStartMs: number;
  readonly commandIdleMib: number;
  /** After the load. */
  readonly commandMib: number;
  /** From kill -9 of one of two owners until the other has answered in all of up to 100 threads. */
  readonly takeoverMs: number;
  /** Posts to up to 100 of the threads, median of the rounds. */
  readonly postsPerSecond: number;
  readonly postP99Ms: number;
  /** Medians of the ratios to the neighbouring round of the reference. */
  readonly postsOfReference: number;
  readonly postP99OfReference: number;
  /** Posts to threads that are not in memory, each to another one; none with too few threads. */
  readonly coldPostsPerSecond?: number;
  readonly coldP99Ms?: number;
  /** The read model, made anew from the journal. */
  readonly rebuildMs: number;
  readonly mysqlBytes: number;
  /** From the start of a thread-projector process until it is SERVING. */
  readonly projectorStartMs: number;
  readonly projectorMib: number;
  /** The comparison of journal and read model, unbounded. */
  readonly comparisonMs: number;
  readonly getThreadP50Ms: number;
  readonly getThreadP99Ms: number;
  readonly listThreadsP50Ms: number;
  readonly listThreadsP99Ms: number;
}

/** What a thread with so many messages showed. */
export interface MeasuredHistory {
  readonly layout: JournalLayout;
  readonly messages: number;
  /** Commits of other threads in the same stream between two of its own. */
  readonly between: number;
  /** From the journal, without a snapshot; medians. */
  readonly loadMs: number;
  /** From a snapshot of its last version, where it is old enough to have one. */
  readonly loadFromSnapshotMs?: number;
  readonly appendP50Ms: number;
  /** Of the loaded aggregate, on the heap. */
  readonly heapBytes: number;
  /** What thread-command takes it to be, for its bound. */
  readonly estimatedBytes: number;
}

/** Kept in docs/scaling-measured.json. */
export interface Measured {
  readonly commit: string;
  readonly machine: string;
  readonly sizes: readonly MeasuredSize[];
  readonly histories: readonly MeasuredHistory[];
}

export const measuredFile = join(projectRoot, 'docs', 'scaling-measured.json');

/** @throws Error when no run was ever kept */
export function readMeasured(): Measured {
  return JSON.parse(readFileSync(measuredFile, 'utf8')) as Measured;
}
