import { InMemorySnapshotStore } from './in-memory-snapshot-store.js';
import { describeSnapshotContract } from './snapshot-contract.js';

describeSnapshotContract('in memory', () => Promise.resolve(new InMemorySnapshotStore()));
