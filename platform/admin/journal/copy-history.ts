import { setTimeout as delay } from 'node:timers/promises';
import type { MsgHdrs } from '@nats-io/transport-node';
import type { CommitMessage } from '../../nats/commit-message.js';
import type { RawJournal, StoredCommit } from '../../nats/raw-journal.js';
import { Fault } from '../../kernel/fault.js';
import type { Progress } from '../../process/progress.js';

/** So many commits are written before they are read back. */
const CHUNK = 200;
/** In a cluster, the server that is read from may be behind the one that was written to: it is asked again so often. */
const MAX_LOOKS = 20;
const LOOK_EVERY_MS = 100;

export interface HistoryCopy {
  readonly aggregateId: string;
  /** The whole history, from version 1 on. */
  readonly source: AsyncIterable<StoredCommit> | Iterable<StoredCommit>;
  readonly target: RawJournal;
  /** How much of it the target has already; that is compared, not written. */
  readonly targetVersion: number;
  readonly progress: Progress;
}

/**
 * Copies a history and reads back what it has written, and what was there: each commit must be the same, headers and
 * payload, byte for byte.
 *
 * @returns the last version
 * @throws Fault kind `data-loss`, reason COPY_DIFFERS naming the commit
 */
export async function copyHistory({
  aggregateId,
  source,
  target,
  targetVersion,
  progress,
}: HistoryCopy): Promise<number> {
  let version = 0;
  let chunk: StoredCommit[] = [];
  const flush = async (): Promise<void> => {
    const unwritten = chunk.filter((commit) => commit.version > targetVersion);
    const appends = unwritten.map((commit) => target.appendMessage(aggregateId, commit.version - 1, commit));
    // All of them must be over before anybody looks or gives up.
    for (const outcome of await Promise.allSettled(appends)) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
    await assertCopied(aggregateId, chunk, target);
    progress.advance(chunk.length);
    chunk = [];
  };
  for await (const commit of source) {
    if (commit.version !== version + 1) throw differs(aggregateId, commit.version, `comes after version ${version}`);
    version = commit.version;
    chunk.push(commit);
    if (chunk.length === CHUNK) await flush();
  }
  if (chunk.length > 0) await flush();
  if (targetVersion > version) throw differs(aggregateId, version + 1, 'is in the target only');
  return version;
}

async function assertCopied(aggregateId: string, commits: readonly StoredCommit[], target: RawJournal): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const missing = await firstMissing(aggregateId, commits, target);
    if (missing === undefined) return;
    if (looks === MAX_LOOKS) throw differs(aggregateId, missing.version, 'is missing in the target');
    await delay(LOOK_EVERY_MS);
  }
}

async function firstMissing(
  aggregateId: string,
  commits: readonly StoredCommit[],
  target: RawJournal,
): Promise<StoredCommit | undefined> {
  const [first] = commits;
  if (first === undefined) return undefined;
  let index = 0;
  for await (const copy of target.readMessages(aggregateId, first.version)) {
    const commit = commits[index];
    if (commit === undefined) break;
    if (copy.version !== commit.version || !isSame(copy, commit)) {
      throw differs(aggregateId, commit.version, 'is another in the target');
    }
    index += 1;
  }
  return commits[index];
}

function isSame(one: CommitMessage, other: CommitMessage): boolean {
  return Buffer.compare(one.data, other.data) === 0 && textOf(one.headers) === textOf(other.headers);
}

function textOf(headers: MsgHdrs): string {
  return JSON.stringify([...headers]);
}

/** What is listed was not read. `command` stands in front of what is done to the journal. */
export function cutOff(aggregateId: string, version: number, listedVersion: number, command: string): Fault {
  const message = `${aggregateId} ends at version ${version}, not ${listedVersion}. Run this again; if that stays so, \`${command} verify\``;
  return new Fault('data-loss', 'HISTORY_CUT_OFF', message);
}

function differs(aggregateId: string, version: number, how: string): Fault {
  return new Fault('data-loss', 'COPY_DIFFERS', `${aggregateId} version ${version} ${how}`);
}
