import type { Logger } from '../telemetry/logger.js';
import type { ProjectionObserver } from '../projection/projection-observer.js';
import { aggregateNounOf } from '../journal/aggregate-noun.js';
import type { Context } from '../journal/context.js';
import { traceIdOf } from '../journal/trace-context.js';
import { unreachable } from '../kernel/decider.js';

/** Writes what the projector does as log lines: one for each commit, so that a request's id leads up to its rows. */
export function projectionLog(logger: Logger, context: Pick<Context, 'aggregateTypes'>): ProjectionObserver {
  const noun = aggregateNounOf(context);
  const idField = `${noun}_id`;
  return (event) => {
    switch (event.kind) {
      case 'projected': {
        if (!logger.isLevelEnabled('info')) return;
        const now = Date.now();
        for (const { aggregateId, version, commandType, time, trace } of event.commits) {
          const ids = { request_id: trace.requestId, trace_id: traceIdOf(trace), [idField]: aggregateId };
          logger.info({ ...ids, version, command: commandType, lag_ms: now - time }, 'projected');
        }
        return;
      }
      case 'parked': {
        const { aggregateId, version, error } = event;
        logger.error(
          { [idField]: aggregateId, version, error },
          `parked: this commit and all later ones of its ${noun}`,
        );
        return;
      }
      case 'troubled':
        logger.warn({ error: event.error, retry_in_ms: event.retryInMs }, 'cannot project, trying again');
        return;
      case 'overtaken':
        logger.debug('another projector was faster, or an operator was at work');
        return;
      case 'paused':
        logger.info({ paused: event.isPaused }, event.isPaused ? 'paused by an operator' : 'no longer paused');
        return;
      case 'restarted': {
        const { reason, afterSequence } = event;
        // A feed in memory is a new one after each restart of NATS.
        const level = reason === 'new feed' ? 'info' : 'warn';
        logger[level](
          { reason, after_sequence: afterSequence },
          'reading the feed from its beginning, and the journal',
        );
        return;
      }
      case 'malformed':
        logger.error({ sequence: event.sequence, error: event.error }, 'an entry of the feed cannot be read');
        return;
      case 'unfounded': {
        const { aggregateId, missingVersion } = event;
        logger.error(
          { [idField]: aggregateId, version: missingVersion },
          'the feed has commits that the journal has not',
        );
        return;
      }
      case 'ahead': {
        const { aggregateIds } = event;
        const some = aggregateIds.slice(0, 5);
        logger.error(
          { [`${noun}s`]: aggregateIds.length, some },
          'the read model is ahead of the journal: was that restored?',
        );
        return;
      }
      case 'reconciled': {
        const { checked, repaired } = event;
        logger[repaired > 0 ? 'info' : 'debug']({ checked, repaired }, 'compared the journal with the read model');
        return;
      }
      case 'health-changed':
        if (event.isHealthy) logger.info('projecting');
        else logger.error('cannot project for a while now');
        return;
      default:
        return unreachable(event);
    }
  };
}
