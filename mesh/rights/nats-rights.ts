import type { ContextResources } from './context-resources.js';
import { projectionPrefixOf } from '../../platform/projection/projection-prefix.js';
import type { NatsPermissions, NatsUser } from '../servers/nats-users.js';
import type { ContextPart, ServiceRights } from '../services.js';

const API = '$JS.API';

/** A stream, or the one below a bucket of keys and values, and what is written to it. */
interface Place {
  readonly stream: string;
  /** Of what is published to it. */
  readonly subject: string;
}

/** What may be done with a place, as the subjects that it takes. */
const look = ({ stream }: Place): string[] => [`${API}.STREAM.INFO.${stream}`];
const read = (place: Place): string[] => [
  ...look(place),
  `${API}.STREAM.MSG.GET.${place.stream}`,
  `${API}.DIRECT.GET.${place.stream}`,
  `${API}.DIRECT.GET.${place.stream}.>`,
];
/** With consumers. Nobody can list others' consumers, and their names cannot be guessed. */
const follow = (place: Place): string[] => [
  ...look(place),
  ...['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'].map((what) => `${API}.CONSUMER.${what}.${place.stream}.>`),
  // A consumer without a name; flow control of one that pushes.
  `${API}.CONSUMER.CREATE.${place.stream}`,
  `$JS.FC.${place.stream}.>`,
];
const make = (place: Place): string[] => [...look(place), `${API}.STREAM.CREATE.${place.stream}`];
const change = (place: Place): string[] => [...make(place), `${API}.STREAM.UPDATE.${place.stream}`];
const write = ({ subject }: Place): string[] => [subject];
/** To carry out what is in a work queue, together with others. */
const consume = (place: Place): string[] => [
  ...follow(place),
  `${API}.CONSUMER.UNPIN.${place.stream}.>`,
  `$JS.ACK.${place.stream}.>`,
];

/** The places of a context by what they are for. */
function placesOf({ prefix, namespaces, journal, streams }: ContextResources) {
  const subject = prefix.toLowerCase();
  const stream = (name: string, tokens: string): Place => ({
    stream: `${prefix}_${name}`,
    subject: `${subject}.${tokens}`,
  });
  const bucket = (name: string): Place => ({ stream: `KV_${name}`, subject: `$KV.${name}.>` });
  const buckets = Array.from({ length: journal.buckets }, (_, number) =>
    stream(`JOURNAL_${number}`, `bucket.${number}.>`),
  );
  return {
    settings: bucket(`${prefix}_SETTINGS`),
    snapshots: bucket(`${prefix}_SNAPSHOTS`),
    assignment: bucket(`${prefix}_ASSIGNMENT`),
    projectionAssignments: namespaces.map((each) => bucket(`${projectionPrefixOf(prefix, each)}_ASSIGNMENT`)),
    feed: stream('FEED', 'feed.>'),
    commands: stream('COMMANDS', 'commands.*'),
    rejections: stream('REJECTIONS', 'rejections.>'),
    probe: stream('PROBE', 'probe'),
    own: Object.entries(streams).map(([name, tokens]) => stream(name, `${tokens}.*`)),
    buckets,
    journal: journal.layout === 'bucketed' ? buckets : [{ stream: '*', subject: `${subject}.journal.*` }],
  };
}

/** Of members of a group, who tell each other that they live. */
function membersOf(prefix: string): string {
  return `${prefix.toLowerCase()}.members`;
}

/** Where a user gets answers, and nobody else. */
const inboxOf = (user: string): string => `_INBOX.${user}.>`;

/** What a part of a context may publish, and listen to. */
function rightsOf(part: ContextPart, context: ContextResources): { publish: string[]; subscribe: string[] } {
  const { prefix, namespaces, journal } = context;
  const places = placesOf(context);
  const isPerAggregate = journal.layout === 'per-thread';
  const reading = [
    // Whether JetStream answers, and how many streams there are.
    `${API}.INFO`,
    ...[...read(places.settings), ...follow(places.settings)],
    ...places.journal.flatMap(read),
    ...follow(places.feed),
  ];
  const members = namespaces.map((each) => membersOf(projectionPrefixOf(prefix, each)));
  switch (part) {
    case 'query':
      return { publish: reading, subscribe: [] };
    case 'projector':
      return {
        publish: [
          ...reading,
          // It is in memory: whoever finds it gone after a restart of NATS makes it.
          ...make(places.feed),
          ...places.projectionAssignments.flatMap((place) => [...make(place), ...read(place), ...write(place)]),
          // Lists the journal, to find what the feed has lost.
          ...(isPerAggregate ? [`${API}.STREAM.LIST`, `${API}.STREAM.NAMES`] : []),
          ...members,
        ],
        subscribe: members,
      };
    case 'command':
      return {
        publish: [
          ...reading,
          ...[places.settings, places.snapshots, places.assignment].flatMap((place) => [
            ...[...make(place), ...read(place), ...write(place)],
          ]),
          ...places.journal.flatMap((place) => [...make(place), ...write(place)]),
          ...(isPerAggregate ? [] : places.buckets.flatMap(change)),
          ...[places.feed, places.probe].flatMap((place) => [...make(place), ...write(place)]),
          ...[places.commands, places.rejections].flatMap((place) => [...change(place), ...write(place)]),
          ...read(places.rejections),
          ...consume(places.commands),
          ...places.own.flatMap((place) => [
            ...[...change(place), ...read(place), ...write(place)],
            `${API}.STREAM.MSG.DELETE.${place.stream}`,
          ]),
          // Which layout there is.
          `${API}.STREAM.NAMES`,
          membersOf(prefix),
        ],
        subscribe: [membersOf(prefix)],
      };
  }
}

/** What others have, of which a part that may read any stream (a stream per aggregate has any name) must keep its hands. */
function othersOf(context: ContextResources, contexts: readonly ContextResources[]): string[] {
  if (context.journal.layout !== 'per-thread') return [];
  return contexts
    .filter(({ name }) => name !== context.name)
    .flatMap((other) => Object.values(placesOf(other)).flat())
    .flatMap((place) => [...read(place), ...make(place)]);
}

/**
 * The users of NATS, each with what its service needs and no more. Who is not named here is not let in, and nobody but operators reaches what is not listed:
 * no stream of another context, no stream's deletion or purge, no answers to others, nothing of the server's own account.
 *
 * @param services who is which part of which context
 */
export function natsUsers(
  contexts: readonly ContextResources[],
  services: ServiceRights,
): readonly [NatsUser, ...NatsUser[]] {
  const closed = { deny: ['$SYS.>'] };
  return [
    { user: OPERATOR, permissions: { publish: closed, subscribe: closed } },
    ...Object.entries(services).map(([user, { context: name, part }]): NatsUser => {
      const context = contexts.find((each) => each.name === name);
      if (context === undefined) throw new Error(`${user} belongs to ${name}, which is no context`);
      const { publish, subscribe } = rightsOf(part, context);
      const deny = othersOf(context, contexts);
      const permissions: NatsPermissions = {
        // To its own inbox as well: commands are answered to other instances.
        publish: { allow: unique([...publish, inboxOf(user)]), ...(deny.length > 0 && { deny: unique(deny) }) },
        subscribe: { allow: unique([...subscribe, inboxOf(user)]) },
      };
      return { user, permissions };
    }),
  ];
}

/** Whose commands look after all contexts: as the one user was called that all shared. */
export const OPERATOR = 'threadweaver';

function unique(subjects: readonly string[]): string[] {
  return [...new Set(subjects)];
}
