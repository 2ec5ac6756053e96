import assert from 'node:assert/strict';
import type { ThreadState } from '../../services/thread/command/domain/thread-state.js';
import { threadDecider } from '../../services/thread/command/domain/thread.js';
import { checkHistory, type Evidence, type ViolationKind } from './check-history.js';
import type { Intent, Operation, Outcome } from './history.js';
import { commandOf, expectedRows, statesOf, type ThreadCommit } from './thread-history.js';

const THREAD = 'THREAD';
const [ANN, BEN] = ['ANN', 'BEN'];

/** A small run that breaks no promise; each test then breaks one. Operation `n` takes from `100 n` to `100 n + 50`. */
class Run {
  readonly operations: Operation[] = [];
  readonly commits: ThreadCommit[] = [];

  /** Carries the intent out as the product should. */
  do(accountId: string, intent: Intent): Operation {
    const operation = this.operation(accountId, intent, { kind: 'unknown', reason: '' });
    const version = this.commits.length + 1;
    const decided = threadDecider.decide(commandOf(operation, this.commit(operation, version, [])), this.state);
    assert.equal(decided.kind, 'accepted');
    const commit = this.commit(operation, version, decided.kind === 'accepted' ? decided.events : []);
    this.commits.push(commit);
    const ids = intent.type === 'AddMessages' ? intent.messages.map((_, index) => `${index}`) : undefined;
    return this.answer(operation, { kind: 'acknowledged', version, ids });
  }

  reject(accountId: string, intent: Intent, reason: string): Operation {
    return this.answer(this.operation(accountId, intent, { kind: 'rejected', reason }));
  }

  operation(accountId: string, intent: Intent, outcome: Outcome): Operation {
    const number = this.operations.length + 1;
    const threadId = intent.type === 'CreateThread' ? undefined : THREAD;
    return {
      ...{ client: accountId, api: 'grpc', accountId, requestId: `R${number}`, threadId, intent, outcome },
      ...{ isRepeat: false, attempts: 1, invokedAt: number * 100, completedAt: number * 100 + 50 },
    };
  }

  answer(operation: Operation, outcome = operation.outcome): Operation {
    const answered = { ...operation, outcome };
    this.operations.push(answered);
    return answered;
  }

  commit(operation: Operation, version: number, events: ThreadCommit['events']): ThreadCommit {
    const { accountId, requestId, invokedAt: time } = operation;
    return { threadId: THREAD, version, commandId: `${accountId}/r/${requestId}`, requestId, time, events };
  }

  get state(): ThreadState {
    return statesOf(this.commits).at(-1) ?? threadDecider.initialState;
  }

  evidence(): Evidence {
    const journal = new Map([[THREAD, this.commits]]);
    return { operations: this.operations, journal, rows: new Map([[THREAD, expectedRows(this.commits)]]) };
  }

  /** Replaces an operation by a changed one. */
  change(operation: Operation, change: Partial<Operation>): void {
    this.operations[this.operations.indexOf(operation)] = { ...operation, ...change };
  }
}

const add = (text: string): Intent => ({ type: 'AddMessages', messages: [{ text }] });
const joinBen: Intent = { type: 'JoinMemberIds', memberIds: [BEN] };

function kindsIn(evidence: Evidence): ViolationKind[] {
  return [...new Set(checkHistory(evidence).map(({ kind }) => kind))];
}

describe('the checker of a run', () => {
  let run: Run;
  let creation: Operation;

  beforeEach(() => {
    run = new Run();
    creation = run.do(ANN, { type: 'CreateThread', title: 'title', administratorIds: [ANN], memberIds: [] });
  });

  it('has nothing to say of a run that broke no promise', () => {
    run.reject(BEN, add('too early'), 'NOT_PARTICIPANT');
    run.do(ANN, joinBen);
    const posted = run.do(BEN, add('hello'));
    // Changes nothing: a commit without events.
    run.change(run.do(ANN, joinBen), { outcome: { kind: 'acknowledged', version: 4, ids: [] } });
    run.answer({ ...run.operation(BEN, posted.intent, posted.outcome), requestId: posted.requestId, isRepeat: true });
    run.answer(run.operation(BEN, add('never arrived'), { kind: 'unknown', reason: 'reset' }));
    run.change(run.do(BEN, add('arrived unheard')), { outcome: { kind: 'unknown', reason: 'reset' } });
    run.do(ANN, { type: 'DestroyThread' });
    run.reject(BEN, add('too late'), 'THREAD_DESTROYED');
    const { outcome, ...old } = run.operation(BEN, add('too late'), { kind: 'rejected', reason: '' });
    run.answer({ ...old, api: 'rest', outcome: { ...outcome, reason: 'already removed the thread' } as Outcome });
    assert.deepEqual(checkHistory(run.evidence()), []);
  });

  it('finds an acknowledged command that is lost', () => {
    run.answer(run.operation(ANN, add('lost'), { kind: 'acknowledged', version: 2, ids: ['0'] }));
    assert.deepEqual(kindsIn(run.evidence()), ['LOST']);
  });

  it('finds a creation that is lost', () => {
    const lost = run.operation(ANN, creation.intent, { kind: 'acknowledged', threadId: 'OTHER', version: 1 });
    run.answer(lost);
    assert.deepEqual(kindsIn(run.evidence()), ['LOST']);
  });

  it('finds a command that was applied twice, be it acknowledged or not', () => {
    for (const outcome of [undefined, { kind: 'unknown', reason: '' } as const]) {
      const operation = run.do(ANN, add('twice'));
      if (outcome !== undefined) run.change(operation, { outcome });
      const first = run.commits.at(-1);
      assert.ok(first);
      const [event] = first.events;
      assert.ok(event?.type === 'MessagesAdded');
      run.commits.push({ ...first, version: first.version + 1 });
      assert.ok(kindsIn(run.evidence()).includes('APPLIED_TWICE'));
      run.commits.pop();
    }
  });

  it('finds a command that was applied in two threads', () => {
    const evidence = run.evidence();
    const copy = run.commits.map((commit) => ({ ...commit, threadId: 'OTHER' }));
    const journal = new Map([...evidence.journal, ['OTHER', copy]]);
    assert.ok(kindsIn({ ...evidence, journal }).includes('APPLIED_TWICE'));
  });

  it('finds a gap in the versions', () => {
    run.do(ANN, add('one'));
    run.do(ANN, add('two'));
    run.commits.splice(1, 1);
    assert.ok(kindsIn(run.evidence()).includes('VERSION_GAP'));
  });

  it('finds a wrong version, wrong ids and a wrong thread in an answer', () => {
    const posted = run.do(ANN, add('hello'));
    for (const wrong of [{ version: 1 }, { ids: ['other'] }, { ids: [] }, { threadId: 'OTHER' }]) {
      run.change(posted, { outcome: { ...posted.outcome, ...wrong } as Outcome });
      assert.deepEqual(kindsIn(run.evidence()), ['WRONG_ANSWER']);
      run.operations[1] = posted;
    }
  });

  it('finds a repeat that got another answer than the first', () => {
    const posted = run.do(ANN, add('hello'));
    const other: Outcome = { kind: 'acknowledged', version: 3, ids: ['0'] };
    const repeat = run.operation(ANN, posted.intent, other);
    run.answer({ ...repeat, requestId: posted.requestId, isRepeat: true });
    assert.deepEqual(kindsIn(run.evidence()), ['WRONG_ANSWER']);
  });

  it('finds a command before another that was acknowledged earlier', () => {
    const one = run.do(ANN, add('one'));
    const two = run.do(ANN, add('two'));
    assert.deepEqual(checkHistory(run.evidence()), []);
    // The second version was asked for after the third was acknowledged.
    run.change(one, { invokedAt: two.completedAt + 1, completedAt: two.completedAt + 2 });
    assert.deepEqual(kindsIn(run.evidence()), ['OUT_OF_ORDER']);
    // So it would be if nobody had heard of it.
    run.change(run.operations[1] ?? one, { outcome: { kind: 'unknown', reason: '' } });
    assert.deepEqual(kindsIn(run.evidence()), ['OUT_OF_ORDER']);
  });

  it('takes those that overlap in either order', () => {
    const one = run.do(ANN, add('one'));
    const two = run.do(ANN, add('two'));
    run.change(one, { invokedAt: two.completedAt, completedAt: two.completedAt + 2 });
    assert.deepEqual(checkHistory(run.evidence()), []);
  });

  it('finds a rejection that no state of its time explains', () => {
    run.do(ANN, joinBen);
    // The join was acknowledged before.
    const refused = run.reject(BEN, add('hello'), 'NOT_PARTICIPANT');
    assert.deepEqual(kindsIn(run.evidence()), ['UNEXPLAINED_REJECTION']);
    // Begun before that, it is explained.
    run.change(refused, { invokedAt: creation.completedAt + 1 });
    assert.deepEqual(checkHistory(run.evidence()), []);
    // The state explains a rejection, but not this one.
    run.change(run.operations[2] ?? refused, { outcome: { kind: 'rejected', reason: 'THREAD_DESTROYED' } });
    assert.deepEqual(kindsIn(run.evidence()), ['UNEXPLAINED_REJECTION']);
  });

  it('finds a rejection for a state that came only later', () => {
    run.do(ANN, joinBen);
    run.reject(BEN, add('hello'), 'THREAD_DESTROYED');
    run.do(ANN, { type: 'DestroyThread' });
    assert.deepEqual(kindsIn(run.evidence()), ['UNEXPLAINED_REJECTION']);
  });

  it('finds a command that was rejected and applied', () => {
    const destroyed = run.do(ANN, { type: 'DestroyThread' });
    run.change(destroyed, { outcome: { kind: 'rejected', reason: 'NOT_ADMINISTRATOR' } });
    assert.ok(kindsIn(run.evidence()).includes('REJECTED_YET_APPLIED'));
  });

  it('finds a commit that nobody asked for, and one in the name of another account', () => {
    run.do(ANN, add('hello'));
    const [operation] = run.operations.splice(1, 1);
    assert.ok(operation);
    assert.deepEqual(kindsIn(run.evidence()), ['UNKNOWN_COMMAND']);
    run.operations.push({ ...operation, accountId: BEN });
    assert.ok(kindsIn(run.evidence()).includes('UNKNOWN_COMMAND'));
  });

  it('finds events that the command cannot cause there, as of two interleaved histories', () => {
    run.do(ANN, joinBen);
    const again = run.do(ANN, joinBen);
    run.change(again, { outcome: { kind: 'acknowledged', version: 3, ids: [BEN] } });
    const [, first] = run.commits;
    assert.ok(first);
    run.commits[2] = { ...first, version: 3, commandId: 'ANN/r/R3', requestId: 'R3' };
    assert.deepEqual(kindsIn(run.evidence()), ['IMPOSSIBLE_COMMIT']);
  });

  it('finds whatever the read model has otherwise', () => {
    run.do(ANN, joinBen);
    run.do(BEN, add('hello'));
    run.do(ANN, add('hi'));
    const evidence = run.evidence();
    const right = evidence.rows.get(THREAD);
    assert.ok(right);
    const wrongs = [
      { version: 3 },
      { title: 'other' },
      { isRemoved: true },
      { administratorIds: [ANN, BEN] },
      { memberIds: [] },
      { messages: right.messages.slice(1) },
      { messages: [...right.messages].reverse() },
      { messages: right.messages.map((message) => ({ ...message, text: 'other' })) },
      { reactions: ['0/👍/ANN'] },
      { readMarks: ['ANN/1048576'] },
    ];
    for (const wrong of wrongs) {
      assert.deepEqual(kindsIn({ ...evidence, rows: new Map([[THREAD, { ...right, ...wrong }]]) }), ['READ_MODEL']);
    }
    assert.deepEqual(kindsIn({ ...evidence, rows: new Map() }), ['READ_MODEL']);
    assert.deepEqual(kindsIn({ ...evidence, rows: new Map([...evidence.rows, ['OTHER', right]]) }), ['READ_MODEL']);
  });

  it('finds a thread that cannot be read', () => {
    assert.deepEqual(kindsIn({ ...run.evidence(), unreadable: new Map([[THREAD, 'damaged']]) }), ['UNREADABLE']);
  });

  it('finds an answer that no client should get', () => {
    run.answer(run.operation(ANN, add('hello'), { kind: 'unexpected', reason: 'DATA_LOSS' }));
    assert.deepEqual(kindsIn(run.evidence()), ['UNEXPECTED_ANSWER']);
  });
});
