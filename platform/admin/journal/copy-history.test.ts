import assert from 'node:assert/strict';
import { decodeCommit, encodeCommit } from '../../nats/commit-message.js';
import type { RawJournal, StoredCommit } from '../../nats/raw-journal.js';
import { InMemoryJournal } from '../../testing/in-memory-journal.js';
import { someCommit } from '../../testing/journal-contract.js';
import { noProgress } from '../../process/progress.js';
import { copyHistory } from './copy-history.js';

const aggregateId = 'one';

/** A target whose first `behind` reads do not show the last commit, as a follower in a cluster. */
class LaggingStore extends InMemoryJournal implements RawJournal {
  constructor(private behind: number) {
    super();
  }

  async appendMessage(id: string, expectedVersion: number, message: StoredCommit): Promise<void> {
    await this.append(id, expectedVersion, decodeCommit(message));
  }

  async *readMessages(id: string, fromVersion: number): AsyncIterable<StoredCommit> {
    const isBehind = this.behind-- > 0;
    let previous: StoredCommit | undefined;
    for await (const commit of this.read(id, fromVersion)) {
      if (previous !== undefined) yield previous;
      previous = { version: commit.version, ...encodeCommit(id, commit.version, commit) };
    }
    if (previous !== undefined && !isBehind) yield previous;
  }
}

function history(versions: readonly number[]): StoredCommit[] {
  return versions.map((version) => ({ version, ...encodeCommit(aggregateId, version, someCommit(`${version}`)) }));
}

describe('copyHistory', () => {
  const copy = (target: RawJournal, source = history([1, 2, 3]), targetVersion = 0): Promise<number> =>
    copyHistory({ aggregateId, source, target, targetVersion, progress: noProgress });

  it('asks again while what it has written is not to be seen', async () => {
    assert.equal(await copy(new LaggingStore(2)), 3);
  });

  it('does not take that for a copy when it stays so', async () => {
    await assert.rejects(copy(new LaggingStore(Infinity)), { message: 'one version 3 is missing in the target' });
  });

  it('copies no history with a gap, and none that is behind the target', async () => {
    await assert.rejects(copy(new LaggingStore(0), history([1, 3])), { message: /version 3 comes after version 1/ });
    const target = new LaggingStore(0);
    await copy(target);
    await assert.rejects(copy(target, history([1, 2]), 3), { message: /version 3 is in the target only/ });
  });
});
