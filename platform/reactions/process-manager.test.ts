import assert from 'node:assert/strict';
import { accept } from '../kernel/decider.js';
import { EventCodec, type EventFormat } from '../journal/event-codec.js';
import { specifyDecider } from '../testing/decider-spec.js';
import { processModel, type GivenCommand, type StepTaken } from './process-manager.js';

type Seen = { readonly type: 'Seen' };
type Asked = { readonly type: 'Asked' };
const format = <Event>(event: Event): EventFormat<Event> => ({
  schemaVersion: 1,
  encode: () => Buffer.of(),
  decode: () => event,
});
const command: GivenCommand<string> = { to: 'other', aggregateId: 'X', commandType: 'Ask', command: 'ask' };

/** Asks once for each event that it sees, and for nothing more. */
const { decider, codec } = processModel<Seen, Asked, number, string, string>({
  name: 'asking',
  inputs: new EventCodec<Seen>({ Seen: format({ type: 'Seen' }) }),
  processOf: () => 'P',
  decider: {
    initialState: 0,
    decide: (input) => (input.kind === 'event' ? accept({ type: 'Asked' }) : accept()),
    evolve: (asked) => asked + 1,
  },
  formats: { Asked: format({ type: 'Asked' }) },
  commandsOf: () => [command],
});
const given = specifyDecider(decider);
const step = (how: StepTaken['step'], version = 5, source = 'A'): StepTaken => ({
  type: 'ProcessStepTaken',
  source,
  version,
  step: how,
});
const asked: Asked = { type: 'Asked' };
const begin = (version: number) => ({ kind: 'begin', source: 'A', version, events: [{ type: 'Seen' }] }) as const;
const answer = (attempt: number, index: number) =>
  ({ kind: 'answer', source: 'A', version: 5, attempt, index }) as const;
const resume = { kind: 'resume', source: 'A', version: 5 } as const;

describe('a process manager as an aggregate', () => {
  it('takes each commit of a source once, however long ago it was', () => {
    given().when(begin(5)).thenEvents(step('begun'), asked);
    given(step('begun'), asked).when(begin(5)).thenRejected('TAKEN');
    given(step('begun'), asked, step('answered')).when(begin(4)).thenRejected('TAKEN');
    given(step('begun'), asked, step('answered')).when(begin(6)).thenEvents(step('begun', 6), asked);
  });

  it('takes each answer once, in order, while it is waited for', () => {
    given(step('begun'), asked, asked).when(answer(0, 0)).thenEvents(step('answered'));
    given(step('begun'), asked, asked).when(answer(0, 1)).thenRejected('SUPERSEDED');
    given(step('begun'), asked, asked, step('answered')).when(answer(0, 0)).thenRejected('SUPERSEDED');
    given(step('begun'), asked, step('answered')).when(answer(0, 1)).thenRejected('SUPERSEDED');
    given(step('begun'), asked, step('begun', 6), asked).when(answer(0, 0)).thenRejected('SUPERSEDED');
  });

  it('refuses the answer of one that another has gone on from', () => {
    given(step('begun'), asked, step('resumed')).when(answer(0, 0)).thenRejected('SUPERSEDED');
    given(step('begun'), asked, step('resumed')).when(answer(1, 0)).thenEvents(step('answered'));
  });

  it('goes on only with what is not answered', () => {
    given(step('begun'), asked).when(resume).thenEvents(step('resumed'));
    given(step('begun'), asked, step('answered')).when(resume).thenRejected('TAKEN');
    given(step('begun', 6), asked).when(resume).thenRejected('TAKEN');
    given().when(resume).thenRejected('TAKEN');
  });

  it('keeps its sources apart', () => {
    const both = [step('begun'), asked, step('begun', 1, 'B'), asked];
    given(...both)
      .when(answer(0, 0))
      .thenEvents(step('answered'));
  });

  it('reads its steps as it has written them, and nothing else', () => {
    const taken = step('resumed', 7, 'stock=X');
    assert.deepEqual(codec.decode(codec.encode(taken)), taken);
    for (const text of ['', 'A five begun', 'A 5 stopped']) {
      const damaged = { type: 'ProcessStepTaken', schemaVersion: 1, data: Buffer.from(text) };
      assert.throws(() => codec.decode(damaged), { kind: 'data-loss' });
    }
  });
});
