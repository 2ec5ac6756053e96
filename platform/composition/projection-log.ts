import type { Logger } from '../telemetry/logger.js';
import type { ProjectionObserver } from '../projection/projection-observer.js';
import { aggregateNounOf } from '../journal/aggregate-noun.js';
import type { Context } from '../journal/context.js';
import { traceIdOf } from '../journal/trace-context.js';

/** Writes what the projector does as log lines: one for each commit, so that a request's id leads up to its rows. */
export function projectionLog(
  logger: Logger,
  context: Pick<Context, 'aggregateTypes'>,
  onHealth: (isHealthy: boolean) => void,
): ProjectionObserver {
  const noun = aggregateNounOf(context);
  const idField = `${noun}_id`;
  return {
    projected(commits) {
      if (!logger.isLevelEnabled('info')) return;
      const now = Date.now();
      for (const { aggregateId, version, commandType, time, trace } of commits) {
        const ids = { request_id: trace.requestId, trace_id: traceIdOf(trace), [idField]: aggregateId };
        logger.info({ ...ids, version, command: commandType, lag_ms: now - time }, 'projected');
      }
    },
    parked(aggregateId, version, error) {
      logger.error({ [idField]: aggregateId, version, error }, `parked: this commit and all later ones of its ${noun}`);
    },
    troubled(error, retryInMs) {
      logger.warn({ error, retry_in_ms: retryInMs }, 'cannot project, trying again');
    },
    overtaken() {
      logger.debug('another projector was faster, or an operator was at work');
    },
    paused(isPaused) {
      logger.info({ paused: isPaused }, isPaused ? 'paused by an operator' : 'no longer paused');
    },
    restarted(reason, afterSequence) {
      // A feed in memory is a new one after each restart of NATS.
      const level = reason === 'new feed' ? 'info' : 'warn';
      logger[level]({ reason, after_sequence: afterSequence }, 'reading the feed from its beginning, and the journal');
    },
    malformed(sequence, error) {
      logger.error({ sequence, error }, 'an entry of the feed cannot be read');
    },
    unfounded(aggregateId, missingVersion) {
      logger.error(
        { [idField]: aggregateId, version: missingVersion },
        'the feed has commits that the journal has not',
      );
    },
    ahead(aggregateIds) {
      const some = aggregateIds.slice(0, 5);
      logger.error(
        { [`${noun}s`]: aggregateIds.length, some },
        'the read model is ahead of the journal: was that restored?',
      );
    },
    reconciled({ checked, repaired }) {
      logger[repaired > 0 ? 'info' : 'debug']({ checked, repaired }, 'compared the journal with the read model');
    },
    healthChanged(isHealthy) {
      if (isHealthy) logger.info('projecting');
      else logger.error('cannot project for a while now');
      onHealth(isHealthy);
    },
  };
}
