import assert from 'node:assert/strict';
import fc from 'fast-check';
import { assignPartitions, countMoves, type Assignment } from './assignment.js';

const memberIds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });
const partitionCount = fc.integer({ min: 1, max: 130 });
/** What happens to a group of members, one after the other. */
const histories = fc.array(fc.record({ joins: fc.boolean(), which: fc.nat(20) }), { maxLength: 12 });

function spread(owners: readonly (string | null)[], members: readonly string[]): number {
  const counts = members.map((member) => owners.filter((owner) => owner === member).length);
  return Math.max(...counts) - Math.min(...counts);
}

function assertWellDealt(assignment: Assignment, partitions: number): void {
  const { members, primaries, standbys } = assignment;
  assert.equal(primaries.length, partitions);
  assert.equal(standbys.length, partitions);
  assert.ok(spread(primaries, members) <= 1, `primaries ${primaries.join()}`);
  if (members.length === 1) return assert.ok(standbys.every((standby) => standby === null));
  standbys.forEach((standby, partition) => {
    assert.ok(standby !== null && members.includes(standby));
    assert.notEqual(standby, primaries[partition]);
  });
}

describe('assignPartitions', () => {
  it('gives the same for any order of members', () => {
    fc.assert(
      fc.property(memberIds, partitionCount, (members, partitions) => {
        const before = assignPartitions(members.slice(0, 1), partitions);
        for (const previous of [undefined, before]) {
          assert.deepEqual(
            assignPartitions([...members].reverse(), partitions, previous),
            assignPartitions(members, partitions, previous),
          );
        }
      }),
    );
  });

  it('balances, and moves no more than the share of who joins or leaves, whatever happened before', () => {
    fc.assert(
      fc.property(partitionCount, histories, (partitions, steps) => {
        let members = ['m'];
        let assignment = assignPartitions(members, partitions);
        steps.forEach(({ joins, which }, index) => {
          const larger = Math.max(members.length, members.length + (joins ? 1 : 0));
          if (joins) members = [...members, `${which}-${index}`];
          else if (members.length > 1) members = members.filter((_, at) => at !== which % members.length);
          const next = assignPartitions(members, partitions, assignment);
          assertWellDealt(next, partitions);
          assert.ok(countMoves(assignment, next) <= Math.ceil(partitions / larger) + 1);
          assert.deepEqual(assignPartitions(members, partitions, next), next, 'and then stays');
          assignment = next;
        });
      }),
    );
  });

  it('lets the standbys of who leaves take over, as far as balance allows', () => {
    const before = assignPartitions(['a', 'b', 'c', 'd'], 64);
    const after = assignPartitions(['a', 'b', 'c'], 64, before);
    const left = before.primaries.flatMap((primary, partition) => (primary === 'd' ? [partition] : []));
    const toStandby = left.filter((partition) => after.primaries[partition] === before.standbys[partition]);
    assert.equal(left.length, 16);
    assert.ok(toStandby.length === left.length, `${toStandby.length}`);
  });
});
