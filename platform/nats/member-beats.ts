import type { Subscription } from '@nats-io/transport-node';
import type { Member } from '../ownership/membership.js';
import type { NatsLink } from './nats-link.js';

/** What a member says again and again. */
export interface Beat {
  /** Undefined from somebody who only asks. */
  readonly member?: Member | undefined;
  /** Counts this member's beats. */
  readonly count: number;
  /** Id of the assignment that it knows. */
  readonly assignment?: string | undefined;
  /** Who hears it is to speak soon. */
  readonly asks?: boolean | undefined;
  /** It is leaving. */
  readonly leaves?: boolean | undefined;
}

/**
 * Beats of the members of a group, as plain messages that nobody keeps. They pass while JetStream has no leader or no disk,
 * and nothing of them is there after a restart of NATS: who speaks is alive.
 */
export class MemberBeats {
  readonly #subscription: Subscription;

  /** @param onBeat told of the beats of all members, one's own among them, in the order in which NATS has taken them */
  constructor(
    private readonly link: NatsLink,
    private readonly prefix: string,
    onBeat: (beat: Beat) => void,
  ) {
    this.#subscription = link.connection.subscribe(this.#subject, {
      callback: (error, message) => {
        const beat = error === null ? read(message.data) : undefined;
        if (beat !== undefined) onBeat(beat);
      },
    });
  }

  /** Says it, unless the connection is lost: what is said late says nothing. */
  send(beat: Beat): void {
    if (!this.link.isConnected || this.link.connection.isClosed()) return;
    this.link.connection.publish(this.#subject, write(beat));
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  get #subject(): string {
    return `${this.prefix.toLowerCase()}.members`;
  }
}

/** A member on the wire, where its slot has an older name, which the members of other versions know. */
type WireMember = Omit<Member, 'processSlot'> & { readonly seat?: string | undefined };

function write({ member, ...beat }: Beat): string {
  if (member === undefined) return JSON.stringify(beat);
  const { processSlot, ...rest } = member;
  const onWire: WireMember = { ...rest, seat: processSlot };
  return JSON.stringify({ member: onWire, ...beat });
}

/** @returns undefined when it is none, such as one of a version to come */
function read(data: Uint8Array): Beat | undefined {
  try {
    const { member, ...beat } = JSON.parse(Buffer.from(data).toString()) as Partial<Omit<Beat, 'member'>> & {
      member?: WireMember;
    };
    const { count, assignment, asks, leaves } = beat;
    if (typeof count !== 'number' || (member !== undefined && typeof member.id !== 'string')) return undefined;
    if (member === undefined) return { count, assignment, asks, leaves };
    const { id, address, startedAt, seat } = member;
    const slot = seat === undefined ? {} : { processSlot: seat };
    return { member: { id, address, startedAt, ...slot }, count, assignment, asks, leaves };
  } catch {
    return undefined;
  }
}
