import { Fault, toError } from '../kernel/fault.js';
import type { AggregateModel } from './aggregate-model.js';
import type { Commit, Journal } from '../journal/journal.js';
import { RecentRequests } from '../journal/recent-requests.js';
import type { SnapshotUse } from '../journal/snapshots.js';

/** An aggregate as its journal has it. */
export interface LoadedAggregate<State> {
  readonly version: number;
  readonly state: State;
  readonly requests: RecentRequests;
  /** The version of the snapshot that it was made from, 0 for none. */
  readonly snapshotVersion: number;
}

/** What loading is done with. */
export interface LoadingSources {
  readonly journal: Journal;
  readonly snapshots?: SnapshotUse | undefined;
}

/**
 * Makes an aggregate's state from its last snapshot, if there is one that fits, and the journal.
 *
 * @param onCommit sees each commit that was read
 * @throws JournalUnavailable
 * @throws Fault kind `data-loss` the history has a gap or an event that cannot be read
 */
export async function loadAggregate<Command, Event extends { readonly type: string }, State, Rejection>(
  id: string,
  model: AggregateModel<Command, Event, State, Rejection>,
  { journal, snapshots }: LoadingSources,
  onCommit: (commit: Commit) => void = () => undefined,
): Promise<LoadedAggregate<State>> {
  const start = snapshots && (await startFromSnapshot(id, model, snapshots));
  if (start !== undefined) {
    const loaded = await replay(id, model, journal, start, onCommit);
    if (loaded !== undefined) return loaded;
    snapshots?.onTrouble(id, passedOver(`the journal has another commit at version ${start.version}`));
  }
  const nothing = { version: 0, state: model.decider.initialState, requests: new RecentRequests(), snapshotVersion: 0 };
  return (await replay(id, model, journal, nothing, onCommit)) ?? nothing;
}

/** What follows from the commits behind `start`; undefined when the journal does not have the commit of `start`. */
async function replay<Command, Event extends { readonly type: string }, State, Rejection>(
  id: string,
  model: AggregateModel<Command, Event, State, Rejection>,
  journal: Journal,
  { requests, snapshotVersion, ...start }: LoadedAggregate<State> & { readonly lastCommandId?: string },
  onCommit: (commit: Commit) => void,
): Promise<LoadedAggregate<State> | undefined> {
  let { version, state } = start;
  let isStartFound = start.lastCommandId === undefined;
  for await (const commit of journal.read(id, isStartFound ? 1 : version)) {
    if (!isStartFound) {
      if (commit.version !== version || commit.commandId !== start.lastCommandId) return undefined;
      isStartFound = true;
      continue;
    }
    if (commit.version !== version + 1) throw historyHasGap(id, version, commit.version);
    for (const event of commit.events) state = model.decider.evolve(state, model.codec.decode(event));
    version = commit.version;
    requests.add(commit.commandId, commit);
    onCommit(commit);
  }
  return isStartFound ? { version, state, requests, snapshotVersion } : undefined;
}

/** Has the journal nothing behind this version, or only what this instance has added since it asked? */
export async function isLastVersion(
  journal: Journal,
  id: string,
  version: number,
  isOwn: (commit: Commit) => boolean,
): Promise<boolean> {
  for await (const commit of journal.read(id, version + 1)) return isOwn(commit);
  return true;
}

/** The commit that made this version. @throws Fault kind `data-loss` it is not there */
export async function commitAt(journal: Journal, id: string, version: number): Promise<Commit> {
  for await (const commit of journal.read(id, version)) return commit;
  throw new Fault('data-loss', 'HISTORY_GAP', `the history of ${id} lacks version ${version}`);
}

function historyHasGap(id: string, version: number, next: number): Fault {
  return new Fault('data-loss', 'HISTORY_GAP', `the history of ${id} goes from version ${version} to ${next}`);
}

/** The decoded snapshot; undefined when there is none, or, after saying why, when it cannot be read. */
async function startFromSnapshot<Command, Event extends { readonly type: string }, State, Rejection>(
  id: string,
  { stateFormat }: AggregateModel<Command, Event, State, Rejection>,
  snapshots: SnapshotUse,
): Promise<(LoadedAggregate<State> & { readonly lastCommandId: string }) | undefined> {
  if (stateFormat === undefined) return undefined;
  try {
    const snapshot = await snapshots.store.load(id);
    if (snapshot === undefined) return undefined;
    const { version, lastCommandId } = snapshot;
    if (snapshot.stateFormat !== stateFormat.version) {
      throw new Error(`its format is ${snapshot.stateFormat}, not ${stateFormat.version}`);
    }
    const requests = new RecentRequests();
    for (const request of snapshot.requests) requests.add(request.commandId, request);
    return { version, lastCommandId, state: stateFormat.decode(snapshot.state), requests, snapshotVersion: version };
  } catch (error) {
    snapshots.onTrouble(id, passedOver(toError(error).message, error));
    return undefined;
  }
}

function passedOver(reason: string, cause?: unknown): Error {
  return new Error(`a snapshot is passed over: ${reason}`, { cause });
}
