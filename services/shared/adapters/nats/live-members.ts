import { JetStreamApiCodes } from '@nats-io/jetstream';
import { isApiError } from './journal-errors.js';
import type { NatsLink } from './nats-link.js';

/** Headers of a message that says that a key is gone: deleted by a client, or by the server at the end of its time. */
const GONE = ['KV-Operation', 'Nats-Marker-Reason'];

/**
 * What is alive in the KV bucket `<PREFIX>_MEMBERS`: the keys of members, each of which goes after its TTL when it is not
 * renewed, and that of their assignment, which stays when they have gone. `readMembership` tells them apart.
 */
export async function liveMembers(link: NatsLink, prefix: string): Promise<string[]> {
  const bucket = `${prefix}_MEMBERS`;
  const stream = `KV_${bucket}`;
  const subjectPrefix = `$KV.${bucket}.`;
  const members: string[] = [];
  for (const subject of await subjectsOf(link, stream)) {
    const message = await link.ask(() => link.manager.streams.getMessage(stream, { last_by_subj: subject }));
    const isLive = message !== null && !GONE.some((name) => message.header?.has(name));
    if (isLive && subject.startsWith(subjectPrefix)) members.push(subject.slice(subjectPrefix.length));
  }
  return members.toSorted();
}

async function subjectsOf(link: NatsLink, stream: string): Promise<string[]> {
  try {
    const { state } = await link.ask(() => link.manager.streams.info(stream, { subjects_filter: '>' }));
    return Object.keys(state.subjects ?? {});
  } catch (error) {
    if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return [];
    throw error;
  }
}
