import assert from 'node:assert/strict';
import { MemberLeases } from './member-leases.js';
import type { Member } from './membership.js';

function member(id: string, processSlot?: string): Member {
  return { id, address: `${id}:1`, startedAt: 0, ...(processSlot === undefined ? {} : { processSlot }) };
}

function idsOf(leases: MemberLeases): string {
  return leases.present.map(({ id }) => id).join();
}

describe('MemberLeases', () => {
  let leases: MemberLeases;
  beforeEach(() => (leases = new MemberLeases(2_000)));

  it('has those who speak, and not who was silent for a lease, until it speaks again', () => {
    assert.equal(leases.hear(member('b')), true);
    leases.hear(member('a'));
    assert.equal(idsOf(leases), 'a,b');
    assert.equal(leases.listened(1_500), false);
    assert.equal(leases.hear(member('a')), false);
    assert.equal(leases.patienceMs, 500);
    assert.equal(leases.listened(500), true);
    assert.equal(idsOf(leases), 'a');
    assert.equal(leases.hear(member('b')), true);
    assert.equal(idsOf(leases), 'a,b');
  });

  it('counts the silence from when a member was heard, not from when that is judged', () => {
    leases.hear(member('a'), 400);
    leases.listened(500);
    assert.equal(leases.patienceMs, 1_900);
    assert.equal(leases.listened(1_899), false);
    assert.equal(leases.listened(1), true);
  });

  it('gives a lease to who was only told of, once', () => {
    leases.expect(member('told'));
    assert.equal(leases.listened(1_999), false);
    assert.equal(leases.expect(member('told')), false);
    assert.equal(leases.listened(1), true);
    assert.equal(leases.expect(member('told')), false);
    assert.equal(idsOf(leases), '');
  });

  it('counts no silence while it was deaf', () => {
    leases.hear(member('a'));
    leases.listened(1_900);
    leases.pardon();
    assert.equal(leases.listened(1_900), false);
    assert.equal(idsOf(leases), 'a');
  });

  it('buries who left, and who had the slot of somebody who speaks', () => {
    leases.hear(member('a', 'slot 1'));
    leases.hear(member('b', 'slot 2'));
    leases.hear(member('next', 'slot 1'));
    assert.equal(idsOf(leases), 'b,next');
    assert.equal(leases.bury('b'), true);
    // What they had said before may still arrive.
    leases.hear(member('a', 'slot 1'));
    leases.hear(member('b', 'slot 2'));
    leases.expect(member('a', 'slot 1'));
    assert.equal(idsOf(leases), 'next');
  });

  it('does not let somebody who is only told of take a slot', () => {
    leases.hear(member('next', 'slot 1'));
    leases.expect(member('a', 'slot 1'));
    assert.equal(idsOf(leases), 'next');
  });

  it('listens to a thousand at most', () => {
    for (let index = 0; index < 1_500; index += 1) leases.hear(member(`m${index}`));
    assert.equal(leases.present.length, 1_000);
  });
});
