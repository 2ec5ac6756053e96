import { ulid } from 'ulid';
import { ThreadCommandServiceService as commands } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { ThreadQueryServiceService as queries } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { Intent } from '../chaos/history.js';
import type { SeededRandom } from '../chaos/random.js';
import { wordsOf } from '../chaos/words.js';
import type { Answer, CallSettings, Edge, Method, RestCall } from './edge.js';
import { Room } from './rooms.js';

export type Api = 'gRPC' | 'gRPC-Web' | 'REST';

/** How often each kind of call is made, of a hundred and some. */
const weights = {
  ...{ create: 0.5, join: 2, post: 26, edit: 5, react: 7, unreact: 2, 'mark read': 7 },
  ...{ get: 14, list: 15, members: 3, 'read state': 6, recent: 6, search: 6 },
} as const;
export type CallKind = keyof typeof weights;
export const callKinds = Object.keys(weights) as CallKind[];

/** In whole numbers. */
const scaledWeights = Object.fromEntries(Object.entries(weights).map(([kind, weight]) => [kind, weight * 2])) as Record<
  CallKind,
  number
>;

/** What the older REST API has. */
const inRest: ReadonlySet<CallKind> = new Set(['create', 'join', 'post', 'get', 'list', 'members']);
const REST_PERCENT = 40;
const WEB_PERCENT = 20;
const reactions = ['👍', '❤️', '😂', '🎉', '🤔', '👀'];
const PAGE = 20;
const MOST_ACCOUNTS = 20;

/** A call that was decided on, the same at each attempt. */
export interface PlannedCall {
  readonly kind: CallKind;
  readonly api: Api;
  readonly room: Room | undefined;
  readonly accountId: string;
  readonly requestId: string;
  /** Of a command. */
  readonly intent: Intent | undefined;
  /** One attempt. */
  attempt(edge: Edge, timeoutMs: number): Promise<Answer>;
  /** Takes a good answer; what is wrong with it, if anything. */
  accept(body: unknown): string | undefined;
}

/** Plans a call of the mix. @param room that it is about; without one, or now and then, a room is made */
export function planCall(random: SeededRandom, room: Room | undefined, addRoom: (room: Room) => void): PlannedCall {
  const kind = room === undefined ? 'create' : random.weighted(scaledWeights);
  const api = pickApi(random, kind);
  if (room === undefined || kind === 'create') return planCreation(random, api, addRoom);
  return isQuery(kind) ? planQuery(kind, random, api, room) : planCommand(kind, random, api, room);
}

function pickApi(random: SeededRandom, kind: CallKind): Api {
  if (inRest.has(kind) && random.chance(REST_PERCENT)) return 'REST';
  return random.chance(WEB_PERCENT) ? 'gRPC-Web' : 'gRPC';
}

type QueryKind = 'get' | 'list' | 'members' | 'read state' | 'recent' | 'search';

function isQuery(kind: CallKind): kind is QueryKind {
  return ['get', 'list', 'members', 'read state', 'recent', 'search'].includes(kind);
}

function planCreation(random: SeededRandom, api: Api, addRoom: (room: Room) => void): PlannedCall {
  const accounts = Array.from({ length: random.integer(2, 6) }, () => ulid());
  const [accountId = '', ...memberIds] = accounts;
  const requestId = ulid();
  const title = `soak ${requestId}`;
  const intent: Intent = { type: 'CreateThread', title, administratorIds: [accountId], memberIds };
  return {
    ...{ kind: 'create', api, room: undefined, accountId, requestId, intent },
    attempt: sender(api, {
      method: commands.createThread,
      request: { requestId, accountId, title, administratorIds: [accountId], memberIds },
      rest: post('create', requestId, { accountId, title, administratorIds: [accountId], memberIds }),
    }),
    accept: (body) => {
      const { threadId } = body as { threadId?: string };
      if (threadId === undefined) return 'no thread id';
      addRoom(new Room(threadId, 1, accounts));
      return undefined;
    },
  };
}

function planCommand(
  kind: Exclude<CallKind, QueryKind | 'create'>,
  random: SeededRandom,
  api: Api,
  room: Room,
): PlannedCall {
  const requestId = ulid();
  const target = room.messages.length === 0 ? undefined : random.pick(room.messages);
  // Without a message, there is nothing to react to.
  const [accountId, intent] = intentOf(
    target === undefined && kind !== 'join' ? 'post' : kind,
    random,
    room,
    requestId,
  );
  const base = { requestId, accountId, threadId: room.id };
  const { method, fields, rest } = wordsOf(intent);
  return {
    ...{ kind, api, room, accountId, requestId, intent },
    attempt: sender(rest === undefined && api === 'REST' ? 'gRPC' : api, {
      method,
      request: { ...base, ...fields },
      rest: post(`${room.id}/${rest?.path}`, requestId, { accountId, ...rest?.body }),
      threadId: room.id,
    }),
    accept: (body) => {
      const told = body as { version?: bigint; messageIds?: readonly string[] };
      if (told.version !== undefined) room.learnVersion(Number(told.version));
      if (intent.type === 'JoinMemberIds') room.learnMembers(intent.memberIds);
      if (intent.type !== 'AddMessages') return undefined;
      const [id] = told.messageIds ?? [];
      if (id === undefined) return 'no message id';
      room.learnMessage(id, accountId, requestId);
      return undefined;
    },
  };
}

function intentOf(
  kind: Exclude<CallKind, QueryKind | 'create'>,
  random: SeededRandom,
  room: Room,
  requestId: string,
): [accountId: string, intent: Intent] {
  const account = random.pick(room.accounts);
  const anyMessage = () => random.pick(room.messages);
  switch (kind) {
    case 'join': {
      const memberIds = [room.accounts.length < MOST_ACCOUNTS ? ulid() : account];
      return [room.administrator, { type: 'JoinMemberIds', memberIds }];
    }
    case 'post':
      return [account, { type: 'AddMessages', messages: [{ text: `hello everybody ${requestId}` }] }];
    case 'edit': {
      const { id, sender, word } = anyMessage();
      return [sender, { type: 'EditMessage', messageId: id, text: `hello again ${word} ${requestId}` }];
    }
    case 'react':
      return [account, { type: 'AddReaction', messageId: anyMessage().id, reaction: random.pick(reactions) }];
    case 'unreact':
      return [account, { type: 'RemoveReaction', messageId: anyMessage().id, reaction: random.pick(reactions) }];
    case 'mark read':
      return [account, { type: 'MarkRead', messageId: anyMessage().id }];
  }
}

function planQuery(kind: QueryKind, random: SeededRandom, api: Api, room: Room): PlannedCall {
  const accountId = random.pick(room.accounts);
  const minVersion = room.version;
  const last = room.messages.at(-1);
  const thread = { accountId, threadId: room.id, minVersion: BigInt(minVersion) };
  const page = { pageSize: PAGE, pageToken: '' };
  const search = { accountId, query: last?.word ?? 'hello', ...page };
  const call: Sent = {
    get: { method: queries.getThread, request: thread, rest: read(room, '') },
    list: {
      method: queries.listMessages,
      request: { ...thread, ...page },
      rest: read(room, '/messages', `&limit=${PAGE}`),
    },
    members: { method: queries.listMemberIds, request: { ...thread, ...page }, rest: read(room, '/member-ids') },
    'read state': { method: queries.getReadState, request: thread },
    recent: { method: queries.listRecentThreads, request: { accountId, ...page } },
    search: { method: queries.searchMessages, request: search },
  }[kind];
  return {
    ...{ kind, api, room, accountId, requestId: ulid(), intent: undefined },
    attempt: sender(api, { ...call, threadId: room.id }),
    accept: (body) => {
      if (kind !== 'get') return undefined;
      const told = body as { thread?: { id: string; version: bigint }; result?: { id: string } };
      const id = told.thread?.id ?? told.result?.id;
      if (id !== room.id) return `thread ${id} instead of ${room.id}`;
      const version = told.thread?.version;
      return version !== undefined && version < BigInt(minVersion) ? `version ${version} < ${minVersion}` : undefined;
    },
  };
  function read({ id, version }: Room, path: string, more = ''): RestCall {
    const headers = { 'x-min-version': String(version) };
    return { method: 'GET', path: `/v1/threads/${id}${path}?account_id=${accountId}${more}`, headers };
  }
}

/** A call in either API's words. */
interface Sent {
  readonly method: Method;
  readonly request: object;
  readonly rest?: RestCall;
  readonly threadId?: string;
}

function sender(api: Api, { method, request, rest, threadId }: Sent): PlannedCall['attempt'] {
  return (edge, timeoutMs) => {
    const settings: CallSettings = { timeoutMs, threadId };
    if (api === 'REST' && rest !== undefined) return edge.rest(rest, timeoutMs);
    return api === 'gRPC-Web' ? edge.grpcWeb(method, request, settings) : edge.grpc(method, request, settings);
  };
}

/** The older API's request id is a header; its content has a time in it, which stays the same when it is repeated. */
function post(path: string, requestId: string, body: object): RestCall {
  const headers = { 'x-request-id': requestId };
  return { method: 'POST', path: `/v1/threads/${path}`, body: { ...body, createAt: Date.now() }, headers };
}
