import type { Assignment } from '../ownership/assignment.js';
import type { Member } from '../ownership/membership.js';
import { pause } from '../process/pause.js';
import { AssignmentStore } from './assignment-store.js';
import { BEAT_EVERY_MS, MEMBER_LEASE_MS } from './jetstream-membership.js';
import { MemberBeats } from './member-beats.js';
import type { NatsLink } from './nats-link.js';

/** Members and their agreement, as somebody sees them who is none. */
export interface MembershipView {
  /** Those who have just said that they live, by id. */
  readonly members: ReadonlyMap<string, Member>;
  readonly assignment: Assignment | undefined;
}

/** Any member has spoken by then, if it is not held up. */
const ANY_MEMBER_MS = 1.5 * BEAT_EVERY_MS;

/**
 * Asks the members of `JetStreamMembership` who they are, and what they have agreed on. What NATS keeps of a member does not
 * count: until all that are assigned something have spoken, it listens for as long as a silent member is taken for alive.
 */
export async function readMembership(link: NatsLink, prefix: string): Promise<MembershipView> {
  const members = new Map<string, Member>();
  const kept = await new AssignmentStore(link, { prefix }).read();
  const assignment = kept?.assignment;
  const silent = new Set(assignment?.members);
  const done = new AbortController();
  const beats = new MemberBeats(link, prefix, ({ member, leaves }) => {
    if (member === undefined) return;
    if (leaves === true) members.delete(member.id);
    else members.set(member.id, member);
    if (silent.delete(member.id) && silent.size === 0) done.abort();
  });
  try {
    beats.send({ count: 0, asks: true });
    const longestMs = assignment === undefined ? ANY_MEMBER_MS : MEMBER_LEASE_MS;
    await pause(longestMs, done.signal);
  } finally {
    beats.close();
  }
  return { members, assignment };
}
