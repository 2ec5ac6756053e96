import type { CallContext, UnaryHandlers } from './unary-service.js';
import { Fault } from '../kernel/fault.js';
import { InvalidRequest, type FieldViolation } from '../kernel/field-violation.js';
import { parseUlid } from '../kernel/ulid.js';
import type { ReadModelVersions, ViewedAggregate } from '../queries/read-model-versions.js';
import { steadyNow } from '../kernel/steady-clock.js';

/** The header that stands for the field min_version where a request has none. */
const MIN_VERSION_HEADER = 'x-min-version';

/** The answer has to get to the caller before it stops waiting: this share of its time is kept for that, ... */
const ANSWER_SHARE = 0.1;
/** ... up to so much, in milliseconds. */
const MAX_ANSWER_MS = 500;

export interface ReadYourWritesOptions {
  readonly versions: ReadModelVersions;
  /** What the context calls an aggregate: errors name it by `<name>_id`. */
  readonly aggregateName: string;
  /** What a request reads and for whom, nothing checked yet; undefined when it is about no single aggregate. */
  readonly aggregateOf: (request: object) => ViewedAggregate | undefined;
  /** How long a call without a deadline waits. @default 5000 */
  readonly waitMs?: number;
  /** The API's clients set no deadlines; one that a call has is Envoy's, and longer than such a client waits. @default false */
  readonly hasNoDeadlines?: boolean;
  /**
   * The answer to a request with a wrong version, in an API where that is an answer.
   * @default none, it is thrown
   */
  readonly refuse?: (violations: readonly FieldViolation[], method: string) => unknown;
}

interface VersionedRequest {
  readonly minVersion?: bigint;
}

type Handler = (request: VersionedRequest, context: CallContext) => Promise<unknown>;

/**
 * The same handlers, but those whose request names an aggregate wait first until the read model has it at the version that
 * the request's field min_version or its header x-min-version asks for. Without either they wait for nothing.
 *
 * @throws (the handlers) Fault kind `deadline-exceeded`, reason READ_MODEL_BEHIND
 */
export function readingYourWrites<Implementation>(
  handlers: UnaryHandlers<Implementation>,
  options: ReadYourWritesOptions,
): UnaryHandlers<Implementation> {
  const waiting = Object.entries(handlers as Record<string, Handler>).map(([method, handler]): [string, Handler] => [
    method,
    (request, context) => {
      if (asksForNoVersion(request, context)) return handler(request, context);
      return handleAtVersion(method, handler, request, context, options);
    },
  ]);
  return Object.fromEntries(waiting) as UnaryHandlers<Implementation>;
}

async function handleAtVersion(
  method: string,
  handler: Handler,
  request: VersionedRequest,
  context: CallContext,
  options: ReadYourWritesOptions,
): Promise<unknown> {
  const wanted = options.aggregateOf(request);
  if (wanted === undefined) return handler(request, context);
  const { minVersion, violations } = parseMinVersion(request.minVersion, context);
  if (violations.length > 0) return refused(violations, method, () => handler(request, context), options);
  if (minVersion > 0) await untilReached(wanted, minVersion, context, options);
  return handler(request, context);
}

/** As nearly all calls: told from one that asks wrongly without parsing anything. */
function asksForNoVersion({ minVersion }: VersionedRequest, context: CallContext): boolean {
  return (minVersion === undefined || minVersion === 0n) && context.header(MIN_VERSION_HEADER) === undefined;
}

/** The larger one of what field and header ask for, or what is wrong with them. */
export function parseMinVersion(
  field: bigint | undefined,
  context: Pick<CallContext, 'header'>,
): { readonly minVersion: number; readonly violations: readonly FieldViolation[] } {
  const violations: FieldViolation[] = [];
  const bounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
  const parse = (path: string, text: string): number => {
    const version = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isNaN(version)) violations.push({ path, fault: { kind: 'not-an-integer' } });
    if (version < 0 || version > bounds.maximum) violations.push({ path, fault: { kind: 'out-of-range', ...bounds } });
    return version;
  };
  const header = context.header(MIN_VERSION_HEADER);
  const versions = [
    field === undefined ? 0 : parse('minVersion', String(field)),
    header === undefined ? 0 : parse(MIN_VERSION_HEADER, header),
  ];
  return { minVersion: Math.max(...versions), violations };
}

async function untilReached(
  { accountId, aggregateId }: ViewedAggregate,
  version: number,
  context: CallContext,
  { versions, aggregateName, waitMs = 5_000, hasNoDeadlines = false }: ReadYourWritesOptions,
): Promise<void> {
  const [account, aggregate] = [parseUlid(accountId), parseUlid(aggregateId)];
  // The handler says what is wrong with them.
  if (!account.ok || !aggregate.ok) return;
  const isCallers = context.hasCallerDeadline && !hasNoDeadlines;
  const now = steadyNow();
  const answerMs = Math.min((context.deadline - now) * ANSWER_SHARE, MAX_ANSWER_MS);
  const deadline = Math.min(context.deadline - answerMs, isCallers ? Infinity : now + waitMs);
  const startedAt = performance.now();
  const wanted = { accountId: account.value, aggregateId: aggregate.value };
  const isReached = await versions.reached(wanted, version, deadline, (abandon) => context.onCancelled(abandon));
  context.annotate({ min_version: version, waited_ms: Math.round(performance.now() - startedAt) });
  if (isReached) return;
  const actual = await versions.current(wanted);
  throw new Fault(
    'deadline-exceeded',
    'READ_MODEL_BEHIND',
    `the read model has not got to version ${version} in time, try again`,
    {
      metadata: {
        [`${aggregateName}_id`]: aggregate.value,
        wanted_version: String(version),
        actual_version: String(actual),
      },
    },
  );
}

/** Names what is wrong with the rest of the request, too. */
async function refused(
  violations: readonly FieldViolation[],
  method: string,
  handle: () => Promise<unknown>,
  { refuse }: ReadYourWritesOptions,
): Promise<unknown> {
  if (refuse !== undefined) return refuse(violations, method);
  const others = await handle().then(
    () => [],
    (error: unknown) => (error instanceof InvalidRequest ? error.violations : []),
  );
  throw new InvalidRequest([...others, ...violations]);
}
