import type { Assignment } from '../../runtime/assignment.js';
import type { Member } from '../../runtime/membership.js';
import { liveMembers } from './live-members.js';
import type { NatsLink } from './nats-link.js';

/** Members and their agreement, as somebody sees them who is none. */
export interface MembershipView {
  readonly members: ReadonlyMap<string, Member>;
  readonly assignment: Assignment | undefined;
}

const ASSIGNMENT_KEY = 'assignment';
const MEMBER_PREFIX = 'member.';

/** What the bucket of `JetStreamMembership` says at present; nobody when there is none. */
export async function readMembership(link: NatsLink, prefix: string): Promise<MembershipView> {
  const keys = await liveMembers(link, prefix);
  const read = async <T>(key: string): Promise<T | undefined> => {
    const subject = `$KV.${prefix}_MEMBERS.${key}`;
    const message = await link.ask(() =>
      link.manager.streams.getMessage(`KV_${prefix}_MEMBERS`, { last_by_subj: subject }),
    );
    return message === null || message.data.length === 0 ? undefined : message.json<T>();
  };
  const members = new Map<string, Member>();
  for (const key of keys.filter((one) => one.startsWith(MEMBER_PREFIX))) {
    const member = await read<Member>(key);
    if (member !== undefined) members.set(member.id, member);
  }
  return { members, assignment: keys.includes(ASSIGNMENT_KEY) ? await read<Assignment>(ASSIGNMENT_KEY) : undefined };
}
