import pLimit from 'p-limit';
import { ulid } from 'ulid';
import type { Context } from '../journal/context.js';
import { Fault } from '../kernel/fault.js';
import { Database } from '../mysql/database.js';
import type { ProjectionDeclaration } from '../mysql/projection-declaration.js';
import { namespaceOf } from '../mysql/projection-namespace.js';
import { ProjectionLayout } from '../mysql/projection-layout.js';
import { ProjectionOperations } from '../mysql/projection-operations.js';
import { MySqlProjectionStore } from '../mysql/projection-store.js';
import { feedBacklog } from '../nats/feed-backlog.js';
import { InstallationSettings } from '../nats/installation-settings.js';
import { JetStreamFeedReader } from '../nats/jetstream-feed-reader.js';
import { JetStreamMembership } from '../nats/jetstream-membership.js';
import { NatsLink } from '../nats/nats-link.js';
import { openJournal } from '../nats/open-journal.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';
import { PartitionedProjector } from '../projection/partitioned-projector.js';
import type { ProjectionObserver } from '../projection/projection-observer.js';
import { feedPartitionsOf, projectionPartitionOf } from '../projection/projection-partition.js';
import { projectionPrefixOf } from '../projection/projection-prefix.js';
import type { ProjectionStore } from '../projection/projection-store.js';
import { Projector } from '../projection/projector.js';
import { SharedListing } from '../projection/shared-listing.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { databaseMetrics, natsMetrics } from './backend-metrics.js';
import { ownershipMetrics } from './command-metrics.js';
import { projectionLog } from './projection-log.js';
import { ProjectionMetrics } from './projection-metrics.js';
import type { ProjectionSettings } from './projection-settings.js';
import { tracedStore } from './traced.js';
import { stopWhenChanged } from './run-process.js';

/** What is done before a batch's rows are saved, such as what a reaction does. */
export interface BeforeRows {
  /** Stands before the store of a partition. */
  storeBefore(store: ProjectionStore): ProjectionStore;
  /** Finishes what was begun, once no more batches come. */
  finish(): Promise<void>;
}

export interface ProjectionNodeParts {
  readonly context: Context;
  readonly projection: ProjectionDeclaration;
  readonly settings: ProjectionSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Makes what goes before a batch's rows. @default nothing does */
  before?(link: NatsLink): Promise<BeforeRows>;
  /** Told whether projecting works, here and as a whole; at the first success, and at each change. */
  onHealth(isHealthy: boolean): void;
}

/** One instance of a projection: the share of its partitions that is this instance's, each with a projector. */
export class ProjectionNode {
  readonly #database: Database;
  readonly #membership: JetStreamMembership;
  readonly #ownership: PartitionOwnership;
  readonly #projector: PartitionedProjector;
  readonly #metrics: ProjectionMetrics;
  readonly #stopProcess: (error: Error) => void;

  private constructor(
    private readonly parts: ProjectionNodeParts,
    private readonly link: NatsLink,
    private readonly before: BeforeRows | undefined,
  ) {
    const { context, settings, logger, metrics } = parts;
    this.#stopProcess = stopWhenChanged(logger);
    this.#database = new Database({
      url: settings.mysqlUrl,
      maxConnections: settings.mysqlMaxConnections,
      abandonAfterSeconds: settings.mysqlAbandonAfterSeconds,
    });
    this.#membership = new JetStreamMembership(link, {
      prefix: projectionPrefixOf(context.prefix, namespaceOf(parts.projection)),
      self: ulid(),
      partitions: settings.projectionPartitions,
      replicas: settings.natsReplicas,
      logger,
    });
    this.#ownership = new PartitionOwnership(this.#membership, settings.projectionPartitions);
    this.#metrics = new ProjectionMetrics(metrics);
    this.#ownership.onChange((_changed, { lost, gained }) => {
      this.#metrics.left(lost);
      const owned = this.#ownership.owned.size;
      logger.info({ lost: lost.size, gained: gained.size, owned }, 'partitions changed');
    });
    const log = projectionLog(logger, context);
    this.#projector = new PartitionedProjector({
      ownership: this.#ownership,
      observer: (event) => {
        log(event);
        if (event.kind !== 'health-changed') return;
        this.#metrics.healthChanged(event.isHealthy);
        parts.onHealth(event.isHealthy);
      },
      newProjector: this.#projectors(),
      reconcileEveryMs: settings.reconcileEveryMs,
    });
    this.#measure();
  }

  /** @throws Fault the installation is laid out otherwise than the settings say */
  static async open(parts: ProjectionNodeParts): Promise<ProjectionNode> {
    const { context, settings, logger } = parts;
    const link = await NatsLink.open({ url: settings.natsUrl, name: `${context.name}-projector`, logger });
    const replicas = settings.natsReplicas;
    const installation = await InstallationSettings.open(link, { prefix: context.prefix, replicas });
    // It writes nothing to the journal, so it may go on while that is copied, but not read the old copy afterwards.
    const role = { duringMaintenance: true };
    await installation.agree(settings.installation, role);
    const node = new ProjectionNode(parts, link, await parts.before?.(link));
    await installation.watch(settings.installation, node.#stopProcess, role);
    return node;
  }

  /** Projects from now on. @param address where this instance answers, for operators */
  async start(address: string): Promise<void> {
    this.#projector.start();
    await this.#membership.join(address);
  }

  /** The others take over while the last batches are finished; the fence keeps the two apart. */
  async drain(): Promise<void> {
    await Promise.all([this.#projector.drain(), this.#membership.leave()]);
    await this.before?.finish();
  }

  async close(): Promise<void> {
    await this.#membership.close();
    await this.#database.close();
    await this.link.close();
  }

  get #feed() {
    const { context, settings } = this.parts;
    return { prefix: context.prefix, storage: settings.feedStorage, replicas: settings.natsReplicas };
  }

  get #partitions() {
    const { installation, projectionPartitions: count } = this.parts.settings;
    return { feedPartitions: installation.partitions, count };
  }

  /** Makes the projector of a partition; all share the journal's list, the connections and the checkpoints' layout. */
  #projectors(): (partition: number, observer: ProjectionObserver) => Projector {
    const { context, projection, settings, logger } = this.parts;
    const { journalLayout, journalBuckets: buckets } = settings.installation;
    const partitions = this.#partitions;
    const journal = openJournal(this.link, { prefix: context.prefix, layout: journalLayout, buckets });
    const listing = new SharedListing({
      list: () => journal.list(),
      partitionOf: (aggregateId) => projectionPartitionOf(aggregateId, partitions),
      perSecond: settings.reconcileThreadsPerSecond,
    });
    const layout = new ProjectionLayout(this.#database, projection.name, partitions);
    // One connection stays free for checks and comparisons.
    const slots = pLimit(Math.max(1, settings.mysqlMaxConnections - 1));

    return (partition, observer) => {
      const log = projectionLog(logger.child({ partition }), context);
      const own = partitions.count === 1 ? undefined : feedPartitionsOf(partition, partitions);
      const store = new MySqlProjectionStore(this.#database, projection.rows, { projection, partition, layout });
      return new Projector({
        feed: new JetStreamFeedReader(this.link, this.#feed, own),
        journal: { read: (id, from) => journal.read(id, from), list: () => listing.list(partition) },
        store: tracedStore(store, (inner) => this.before?.storeBefore(inner) ?? inner),
        observer: this.#metrics.metered(partition, (event) => {
          if (event.kind === 'health-changed') observer(event);
          else if (event.kind === 'troubled' && isOtherLayout(event.error)) this.#stopProcess(event.error);
          else log(event);
        }),
        maxBatchCommits: settings.batchCommits,
        lingerMs: settings.lingerMs,
        checkEveryMs: settings.checkEveryMs,
        unhealthyAfterMs: settings.unhealthyAfterMs,
        // All partitions at once, by the partitioned one.
        reconcileEveryMs: 2 ** 31 - 1,
        slots,
      });
    };
  }

  #measure(): void {
    const { projection, metrics } = this.parts;
    natsMetrics(metrics, () => this.link);
    databaseMetrics(metrics, this.#database);
    ownershipMetrics(metrics, 'projection', this.#ownership);
    this.#metrics.measureBacklog(this.#projector, (partition, afterSequence) =>
      feedBacklog(this.link, this.#feed, feedPartitionsOf(partition, this.#partitions), afterSequence),
    );
    this.#metrics.measureDeadLetters(new ProjectionOperations(this.#database, projection));
  }
}

function isOtherLayout(error: Error): boolean {
  return error instanceof Fault && error.reason === 'PARTITIONS_DIFFER';
}
