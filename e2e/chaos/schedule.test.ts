import assert from 'node:assert/strict';
import { scheduleOf } from './schedule.js';

describe('a schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(scheduleOf(42, 60_000), scheduleOf(42, 60_000));
    assert.notDeepEqual(scheduleOf(42, 60_000), scheduleOf(43, 60_000));
  });

  it('stays as it was when it becomes longer', () => {
    const short = scheduleOf(7, 60_000);
    assert.deepEqual(scheduleOf(7, 600_000).slice(0, short.length), short);
  });

  it('has every kind of fault, in order, within its time', () => {
    const schedule = scheduleOf(1, 600_000);
    assert.deepEqual([...new Set(schedule.map(({ fault }) => fault.kind))].sort(), [
      ...['cut', 'fillDisk', 'join', 'jumpClock', 'kill', 'pause', 'terminate'],
    ]);
    for (const [index, { atMs, fault }] of schedule.entries()) {
      assert.ok(atMs <= 600_000 && atMs >= (schedule[index - 1]?.atMs ?? 0));
      if ('forMs' in fault) assert.ok(fault.forMs >= 500 && fault.forMs <= (fault.kind === 'join' ? 10_000 : 6_000));
    }
    const without = ['fillDisk', 'jumpClock'] as const;
    assert.ok(scheduleOf(1, 600_000, { without }).every(({ fault }) => !without.some((kind) => kind === fault.kind)));
    const killed = new Set(schedule.flatMap(({ fault }) => (fault.kind === 'kill' ? [fault.victim] : [])));
    for (const victim of ['nats', 'mysql', 'envoy', 'thread-command', 'thread-projector'] as const) {
      assert.ok(killed.has(victim), victim);
    }
  });

  it('is for each node of a NATS cluster', () => {
    const victims = scheduleOf(1, 600_000, { natsNodes: 3 }).flatMap(({ fault }) =>
      'victim' in fault && fault.victim.startsWith('nats') ? [fault.victim] : [],
    );
    assert.deepEqual([...new Set(victims)].sort(), ['nats-1', 'nats-2', 'nats-3']);
  });

  it('lets the further instance leave before it joins again', () => {
    const joins = scheduleOf(3, 1_800_000).flatMap(({ atMs, fault }) =>
      fault.kind === 'join' ? [{ atMs, fault }] : [],
    );
    assert.ok(joins.length > 5);
    for (const [index, { atMs, fault }] of joins.entries()) {
      assert.ok(atMs + fault.forMs < (joins[index + 1]?.atMs ?? Infinity));
    }
  });
});
