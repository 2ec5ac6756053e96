import assert from 'node:assert/strict';
import { asJson, logEntryOf, printable } from './log-entry.js';
import { LogSearch, type Wanted } from './log-search.js';

const T = '01DB5QXD4NP0XQTV92K42B3XBF';
const trace = 'a'.repeat(32);
const lines: Record<string, object> = {
  edge: {
    ...{ time: '2026-01-01T00:00:00.000Z', service: 'edge', method: 'POST', path: `/v1/threads/${T}/messages/add` },
    ...{ status: 200, duration_ms: 12, grpc_status: '-', request_id: 'r1' },
  },
  command: {
    ...{ level: 'info', time: '2026-01-01T00:00:00.010Z', pid: 1, service: 'thread-command', msg: 'call' },
    ...{ request_id: 'r1', trace_id: trace, thread_id: T, account_id: 'A1' },
  },
  projector: {
    ...{ level: 'info', time: '2026-01-01T00:00:00.020Z', service: 'thread-projector', msg: 'projected' },
    ...{ request_id: 'r1', trace_id: trace, thread_id: T },
  },
  other: {
    level: 'info',
    time: '2026-01-01T00:00:00.030Z',
    msg: 'call',
    request_id: 'r2',
    account_id: 'A2',
    thread_id: 'x',
  },
};
const entries = Object.entries(lines).map(([process, line]) => logEntryOf(process, JSON.stringify(line), 0));

function found(wanted: Wanted): string[] {
  const search = new LogSearch(wanted);
  for (const entry of entries) if (search.mayName(entry.text)) search.learn(entry);
  return entries.filter((one) => search.mayConcern(one.text) && search.concerns(one)).map(({ process }) => process);
}

describe('the search in logs', () => {
  const all = ['edge', 'command', 'projector'];
  it('finds the lines of a request', () => assert.deepEqual(found({ request: 'r1' }), all));
  it('finds all of the requests of a trace', () => assert.deepEqual(found({ trace }), all));
  it('finds all of the requests of a thread', () => assert.deepEqual(found({ thread: T }), all));
  it('finds all of the requests of an account, though only one line names it', () =>
    assert.deepEqual(found({ account: 'A1' }), all));
  it('finds what is of both', () => {
    assert.deepEqual(found({ account: 'A2', thread: T }), []);
    assert.deepEqual(found({ account: 'A1', thread: T }), all);
  });
  it('takes no part of an id for one', () => assert.deepEqual(found({ request: 'r' }), []));

  it('prints lines for a person and for a program', () => {
    const [edge, command] = entries as [(typeof entries)[0], (typeof entries)[0]];
    assert.equal(
      printable(edge),
      `00:00:00.000  edge               POST /v1/threads/${T}/messages/add → 200 in 12 ms request_id=r1`,
    );
    assert.match(printable(command), /^00:00:00\.010 {2}command {12}info: call request_id=r1 trace_id=a+ thread_id=/);
    assert.equal((JSON.parse(asJson(command)) as { process: string }).process, 'command');
  });

  it('prints other lines as they are, at their time or that of the line before', () => {
    const text = '[42] 2026/01/01 10:00:00.250000 [WRN] slow \u001b[31m';
    const entry = logEntryOf('nats', text, 5);
    assert.equal(entry.time, new Date('2026-01-01T10:00:00.250').getTime());
    assert.match(printable(entry), / nats .* \[WRN\] slow {2}\[31m$/);
    assert.equal(logEntryOf('nats', '    at a stack', 5).time, 5);
  });
});
