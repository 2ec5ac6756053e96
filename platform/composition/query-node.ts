import type { ObserveCalls } from '../grpc/call-context.js';
import { aggregateNounOf } from '../journal/aggregate-noun.js';
import type { Context } from '../journal/context.js';
import type { Database } from '../mysql/database.js';
import { ConnectedCommits } from '../nats/connected-commits.js';
import type { FairQueue } from '../process/fair-queue.js';
import { ReadModelVersions, type AggregateVersions } from '../queries/read-model-versions.js';
import type { Logger } from '../telemetry/logger.js';
import type { CommitHub } from '../watching/commit-hub.js';
import { natsMetrics } from './backend-metrics.js';
import { queryMetrics } from './query-metrics.js';
import type { QuerySettings } from './query-settings.js';
import type { DatabaseNode } from './run-database-service.js';
import { stopWhenChanged } from './run-process.js';

export interface QueryNodeParts extends DatabaseNode {
  readonly context: Context;
  readonly settings: QuerySettings;
  versions(database: Database): AggregateVersions;
}

/** What the services of one instance of a context's read side stand on. */
export class QueryNode {
  readonly logger: Logger;
  /** Measures calls. */
  readonly observe: ObserveCalls;
  readonly database: Database;
  /** Queries that wait for a version. */
  readonly versions: ReadModelVersions;
  /** Has clients take turns at the read model. */
  readonly turns: FairQueue;
  readonly connected: ConnectedCommits;

  constructor({ context, settings, versions, database, turns, logger, metrics, observe }: QueryNodeParts) {
    this.logger = logger;
    this.observe = observe;
    this.database = database;
    this.turns = turns;
    this.versions = new ReadModelVersions(versions(database), { maxWaiting: settings.maxWaitingQueries });
    this.connected = new ConnectedCommits({
      name: `${context.name}-query`,
      prefix: context.prefix,
      natsUrl: settings.natsUrl,
      natsReplicas: settings.natsReplicas,
      feedStorage: settings.feedStorage,
      installation: settings.installation,
      hub: {
        maxFollowers: settings.maxWatchers,
        heartbeatMs: settings.watchHeartbeatMs,
        maxBufferedCommits: settings.watchBufferCommits,
        maxBufferedBytes: settings.watchBufferKib * 1024,
        maxReads: settings.watchMaxReads,
      },
      logger,
      onDisagreement: stopWhenChanged(logger),
    });
    natsMetrics(metrics, () => this.connected.link);
    queryMetrics(metrics, {
      waiting: () => this.versions.waiting,
      watchers: () => this.connected.watchers,
      maxWaiting: settings.maxWaitingQueries,
      maxWatchers: settings.maxWatchers,
      noun: aggregateNounOf(context),
    });
  }

  /** Where watchers' commits come from. @throws Fault kind `unavailable` not connected yet, or stopped */
  get hub(): CommitHub {
    return this.connected.hub;
  }
}
