import type { Commands } from '../commands/aggregate-types.js';
import type { CommandBus } from '../commands/command-bus.js';
import { Fault } from '../kernel/fault.js';
import type { Commit, Journal } from '../journal/journal.js';
import type { ProjectionStore } from '../projection/projection-store.js';
import { isTracing, startSpan, type Span, type SpanKind } from '../telemetry/tracing.js';

/** What carries a trace on. */
interface Traced {
  readonly trace: { readonly requestId: string; readonly traceparent: string };
}

function spanOf(name: string, kind: SpanKind, { trace }: Traced, attributes: Record<string, string | number>) {
  return startSpan(name, kind, trace.traceparent, attributes);
}

/** The same, as a part of the span. */
function within<Carrier extends Traced>(carrier: Carrier, { traceparent }: Span): Carrier {
  return { ...carrier, trace: { requestId: carrier.trace.requestId, traceparent } };
}

/** A word for what was thrown that bears nothing of a caller's. */
function errorType(thrown: unknown): string {
  return thrown instanceof Fault ? thrown.reason : 'INTERNAL';
}

/** Commands of one type of aggregate, each a span. The same ones while nothing is traced. */
export function tracedCommands<Command, Event, State, Rejection>(
  type: string,
  commands: Commands<Command, Event, State, Rejection>,
): Commands<Command, Event, State, Rejection> {
  if (!isTracing()) return commands;
  return {
    async execute(envelope) {
      const { commandType, aggregateId } = envelope;
      const span = spanOf(commandType, 'internal', envelope, {
        'threadweaver.aggregate.type': type,
        'threadweaver.aggregate.id': aggregateId,
      });
      if (span === undefined) return commands.execute(envelope);
      try {
        const outcome = await commands.execute(within(envelope, span));
        const isCommitted = outcome.kind === 'committed';
        span.end({
          'threadweaver.command.outcome': isCommitted && outcome.repeated ? 'repeated' : outcome.kind,
          ...(isCommitted && { 'threadweaver.aggregate.version': outcome.version }),
        });
        return outcome;
      } catch (error) {
        span.end(undefined, errorType(error));
        throw error;
      }
    },
    inspect: (aggregateId, deadline) => commands.inspect(aggregateId, deadline),
  };
}

/** A journal whose appends are spans, which commits carry on to whoever follows. */
export function tracedJournal<Kind extends Journal>(journal: Kind): Journal {
  if (!isTracing()) return journal;
  return {
    append(aggregateId, expectedVersion, commit, afterCommandId) {
      const span = spanOf(`append ${commit.commandType}`, 'producer', commit, {
        'messaging.system': 'nats',
        'messaging.operation.type': 'send',
        'threadweaver.aggregate.id': aggregateId,
        'threadweaver.aggregate.version': expectedVersion + 1,
      });
      if (span === undefined) return journal.append(aggregateId, expectedVersion, commit, afterCommandId);
      return ended(span, journal.append(aggregateId, expectedVersion, within(commit, span), afterCommandId));
    },
    read: (aggregateId, fromVersion) => journal.read(aggregateId, fromVersion),
    list: () => journal.list(),
  };
}

/** A bus whose commands are spans on both sides. */
export function tracedBus(bus: CommandBus): CommandBus {
  if (!isTracing()) return bus;
  const nats = { 'messaging.system': 'nats' };
  return {
    open: (listener) =>
      bus.open({
        onAnswer: (correlation, answer) => listener.onAnswer(correlation, answer),
        onReturn: () => listener.onReturn(),
        onCommand(command) {
          const attributes = { ...nats, 'messaging.operation.type': 'process' };
          const span = spanOf(`process ${command.commandType}`, 'consumer', command, attributes);
          return span === undefined
            ? listener.onCommand(command)
            : ended(span, listener.onCommand(within(command, span)));
        },
      }),
    send(partition, correlation, command) {
      const attributes = { ...nats, 'messaging.operation.type': 'send' };
      const span = spanOf(`send ${command.commandType}`, 'producer', command, attributes);
      if (span === undefined) return bus.send(partition, correlation, command);
      return ended(span, bus.send(partition, correlation, within(command, span)));
    },
    serve: (partitions) => bus.serve(partitions),
    close: () => bus.close(),
  };
}

/**
 * A store whose commits are spans: that of projecting one, around what `inner` does, and within it that of the
 * transaction that saves its rows, which may be that of many commits.
 * @param around what stands before the store, such as a reaction. @default nothing
 */
export function tracedStore(
  store: ProjectionStore,
  around: (store: ProjectionStore) => ProjectionStore = (inner) => inner,
): ProjectionStore {
  if (!isTracing()) return around(store);
  const saving = withSpans(store, (commits) => (commit) => {
    const attributes = { 'db.system.name': 'mysql', 'db.operation.batch.size': commits };
    return spanOf('save rows', 'client', commit, attributes);
  });
  return withSpans(
    around(saving),
    () => (commit) =>
      spanOf(`project ${commit.commandType}`, 'consumer', commit, {
        'messaging.system': 'nats',
        'messaging.operation.type': 'process',
        'threadweaver.aggregate.id': commit.aggregateId,
        'threadweaver.aggregate.version': commit.version,
      }),
  );
}

function withSpans(
  store: ProjectionStore,
  spans: (commits: number) => (commit: Commit) => Span | undefined,
): ProjectionStore {
  return {
    loadCheckpoint: () => store.loadCheckpoint(),
    loadVersions: (aggregateIds) => store.loadVersions(aggregateIds),
    loadParkedVersions: () => store.loadParkedVersions(),
    async save(change, seen) {
      const started: Span[] = [];
      const spanFor = spans(change.commits.length);
      const commits = change.commits.map((commit) => {
        const span = spanFor(commit);
        if (span === undefined) return commit;
        started.push(span);
        return within(commit, span);
      });
      if (started.length === 0) return store.save(change, seen);
      try {
        const saved = await store.save({ ...change, commits }, seen);
        for (const span of started) span.end();
        return saved;
      } catch (error) {
        for (const span of started) span.end(undefined, errorType(error));
        throw error;
      }
    },
  };
}

function ended<Result>(span: Span, work: Promise<Result>): Promise<Result> {
  return work.then(
    (result) => {
      span.end();
      return result;
    },
    (thrown: unknown) => {
      span.end(undefined, errorType(thrown));
      throw thrown;
    },
  );
}
