import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AssignmentTurn } from './assignment-turn.js';
import { MemberLeases } from './member-leases.js';

const LEASE_MS = 2_000;
const BEAT_MS = 500;
const STEP_MS = 50;

interface Kept {
  readonly id: string;
  readonly members: readonly string[];
}

/** What a member's process does, on a clock that a test moves. */
class SimulatedMember {
  readonly leases = new MemberLeases(LEASE_MS);
  readonly turn = new AssignmentTurn();
  known: Kept | undefined;
  heardItselfAt: number | undefined;
  pausedUntil = 0;
  /** Whom it does not hear, and until when; itself, when it is cut off. */
  readonly deafTo = new Map<string, number>();

  constructor(
    readonly id: string,
    readonly firstBeatAt: number,
  ) {
    this.leases.hear(this.#member(id));
  }

  hear(id: string, leaves: boolean, now: number): void {
    const silentMs = now - (this.heardItselfAt ?? now);
    const listenedMs = Math.min(silentMs, 1.5 * BEAT_MS);
    if (leaves) this.leases.bury(id);
    else this.leases.hear(this.#member(id), listenedMs);
    if (id !== this.id) return;
    this.heardItselfAt = now;
    if (silentMs > LEASE_MS) this.leases.pardon();
    else this.leases.listened(listenedMs);
  }

  read(kept: Kept | undefined, now: number): void {
    if (kept === undefined || kept.id === this.known?.id) return;
    this.known = kept;
    this.turn.saw(kept, now);
    for (const id of kept.members) this.leases.expect(this.#member(id));
  }

  /** @returns the members of the assignment that it writes now */
  wish(now: number): readonly string[] | undefined {
    if (now - (this.heardItselfAt ?? -Infinity) > LEASE_MS) return undefined;
    const present = this.leases.present.map(({ id }) => id);
    return this.turn.waitMs({ self: this.id, present, kept: this.known, now }) === 0 ? present : undefined;
  }

  #member(id: string) {
    return { id, address: '', startedAt: 0 };
  }
}

/** A group of members, NATS between them, and time. */
class SimulatedGroup {
  readonly living = new Map<string, SimulatedMember>();
  kept: Kept | undefined;
  changes = 0;
  now = 0;
  #ids = 0;

  join(): void {
    // Ids do not tell who came first.
    const id = `${(this.#ids * 7) % 10}${String(this.#ids++)}`;
    const member = new SimulatedMember(id, this.now);
    member.read(this.kept, this.now);
    this.living.set(id, member);
  }

  at(index: number): SimulatedMember | undefined {
    return [...this.living.values()][index % Math.max(1, this.living.size)];
  }

  run(ms: number): void {
    for (const until = this.now + ms; this.now < until; this.now += STEP_MS) this.#step();
  }

  say(id: string, leaves = false): void {
    for (const hearer of this.living.values()) {
      if ((hearer.deafTo.get(id) ?? 0) > this.now || (hearer.deafTo.get(hearer.id) ?? 0) > this.now) continue;
      // Its connection keeps for it what was said meanwhile; it is heard when it wakes, and is late then.
      if (hearer.pausedUntil <= this.now) hearer.hear(id, leaves, this.now);
    }
  }

  #step(): void {
    const awake = [...this.living.values()].filter(({ pausedUntil }) => pausedUntil <= this.now);
    for (const { id, firstBeatAt, deafTo } of awake) {
      if ((this.now - firstBeatAt) % BEAT_MS === 0 && (deafTo.get(id) ?? 0) <= this.now) this.say(id);
    }
    for (const member of awake) {
      if ((member.deafTo.get(member.id) ?? 0) > this.now) continue;
      // By compare and set: who has not read the last one reads it first.
      member.read(this.kept, this.now);
      const members = member.wish(this.now);
      if (members === undefined) continue;
      this.kept = { id: String(++this.changes), members };
      member.read(this.kept, this.now);
    }
  }
}

type Event = { readonly kind: 'join' | 'kill' | 'leave' | 'pause' | 'cut' | 'deafen' } & Record<
  'which' | 'other' | 'lastsMs' | 'thenMs',
  number
>;
const steps = (max: number) => fc.nat(max / STEP_MS).map((count) => count * STEP_MS);
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('join', 'kill', 'leave', 'pause', 'cut', 'deafen'),
    which: fc.nat(9),
    other: fc.nat(9),
    lastsMs: steps(6_000),
    thenMs: steps(3_000),
  }),
  { maxLength: 20 },
);

function happen(group: SimulatedGroup, { kind, which, other, lastsMs, thenMs }: Event): void {
  const member = group.at(which);
  const until = group.now + lastsMs;
  if (kind === 'join' || member === undefined) group.join();
  else if (kind === 'kill') group.living.delete(member.id);
  else if (kind === 'pause') member.pausedUntil = until;
  else if (kind === 'cut') member.deafTo.set(member.id, until);
  else if (kind === 'deafen') member.deafTo.set(group.at(other)?.id ?? '', until);
  else {
    group.living.delete(member.id);
    group.say(member.id, true);
  }
  group.run(thenMs);
}

describe('AssignmentTurn', () => {
  it('lets all views come to one assignment, of exactly those alive, whatever was not heard meanwhile', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(events, (happened) => {
        const group = new SimulatedGroup();
        group.join();
        for (const event of happened) happen(group, event);
        if (group.living.size === 0) group.join();
        const disturbedMs = group.now;
        // The longest deafness, a lease, and the longest penalty of a quarrel.
        group.run(6_000 + LEASE_MS + 17_000);
        assert.deepEqual(group.kept?.members, [...group.living.keys()].sort());
        for (const { known } of group.living.values()) assert.equal(known?.id, group.kept.id);
        const { changes } = group;
        group.run(5_000);
        assert.equal(group.changes, changes, 'changed without a cause');
        // Each event makes and mends some; what comes again and again is slowed down.
        const most = 4 * happened.length + 12 * Math.ceil((disturbedMs + 25_000) / 30_000);
        assert.ok(changes <= most, `${changes} changes, at most ${most}`);
      }),
      { numRuns: 300 },
    );
  });

  it('slows down members that never hear the same', () => {
    const group = new SimulatedGroup();
    for (let index = 0; index < 3; index += 1) group.join();
    const [a, b] = [group.at(0), group.at(1)];
    assert.ok(a !== undefined && b !== undefined);
    a.deafTo.set(b.id, Infinity);
    b.deafTo.set(a.id, Infinity);
    group.run(120_000);
    assert.ok(group.changes < 60, `${group.changes} changes in two minutes`);
  });

  it('lets the first member begin at once, and the others after it', () => {
    const present = ['a', 'b', 'c'];
    const turnOf = (self: string): number | undefined =>
      new AssignmentTurn().waitMs({ self, present, kept: undefined, now: 5 });
    assert.deepEqual(['a', 'b', 'c', 'x'].map(turnOf), [0, 250, 500, undefined]);
    const turn = new AssignmentTurn();
    const kept = { id: '1', members: ['a', 'b'] };
    assert.equal(turn.waitMs({ self: 'b', present, kept, now: 1_000 }), 250);
    assert.equal(turn.waitMs({ self: 'b', present, kept, now: 1_200 }), 50);
    assert.equal(turn.waitMs({ self: 'b', present, kept: { id: '2', members: present }, now: 1_210 }), undefined);
    assert.equal(turn.waitMs({ self: 'b', present, kept: { id: '3', members: ['b'] }, now: 1_220 }), 250);
  });
});
