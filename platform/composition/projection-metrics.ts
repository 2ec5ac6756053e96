import { unreachable } from '../kernel/decider.js';
import type { PartitionedProjector } from '../projection/partitioned-projector.js';
import type { ProjectionEvent, ProjectionObserver } from '../projection/projection-observer.js';
import type { ProjectionOperations } from '../mysql/projection-operations.js';
import type { FeedBacklog } from '../nats/feed-backlog.js';
import type { Metrics } from '../telemetry/metrics.js';

const LAG_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const BATCH_COMMITS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** Measures what observers are told; one for all of a process's partitions. */
export class ProjectionMetrics {
  readonly #paused = new Set<number>();
  #isHealthy = false;
  readonly #observe: (partition: number, event: ProjectionEvent) => void;

  constructor(private readonly metrics: Metrics) {
    const commits = metrics.counter('threadweaver_projection_commits_total', 'Commits brought into the read model.');
    const lag = metrics.histogram(
      'threadweaver_projection_lag_seconds',
      'From the time of a commit until its rows were saved, by the clocks of both processes.',
      LAG_SECONDS,
    );
    const batches = metrics.histogram(
      'threadweaver_projection_batch_commits',
      'Commits that were saved in one transaction.',
      BATCH_COMMITS,
    );
    const count = (name: string, help: string) => metrics.counter(`threadweaver_projection_${name}_total`, help);
    const parked = count('parked', 'Aggregates set aside because a commit could not be projected.');
    const retries = count('retries', 'Times that projecting failed and was to be tried again.');
    const overtaken = count('overtaken', 'Times that another projector or an operator had moved the checkpoint.');
    const restarts = count('feed_restarts', 'Times that the feed was read from another place than the checkpoint.');
    const malformed = count('malformed', 'Entries of the feed that could not be read.');
    const unfounded = count('unfounded', 'Aggregates of which the feed had commits that the journal had not.');
    const ahead = count('ahead', 'Aggregates that a comparison found to be ahead of the journal.');
    const repaired = count('repaired', 'Aggregates that a comparison found to be behind the journal.');
    metrics.gauge(
      'threadweaver_projection_paused_partitions',
      'Partitions projected here that an operator has paused.',
      () => this.#paused.size,
    );
    metrics.gauge('threadweaver_projection_healthy', '1 while projecting works, as health says, else 0.', () =>
      this.#isHealthy ? 1 : 0,
    );
    this.#observe = (partition, event) => {
      switch (event.kind) {
        case 'projected': {
          const now = Date.now();
          commits.inc(event.commits.length);
          batches.observe(event.commits.length);
          // Clocks of two machines may differ.
          for (const { time } of event.commits) lag.observe(Math.max(0, now - time) / 1_000);
          return;
        }
        case 'parked':
          return parked.inc();
        case 'troubled':
          return retries.inc();
        case 'overtaken':
          return overtaken.inc();
        case 'restarted':
          return restarts.inc();
        case 'paused':
          return void (event.isPaused ? this.#paused.add(partition) : this.#paused.delete(partition));
        case 'malformed':
          return malformed.inc();
        case 'unfounded':
          return unfounded.inc();
        case 'ahead':
          return ahead.inc(event.aggregateIds.length);
        case 'reconciled':
          return repaired.inc(event.repaired);
        case 'health-changed':
          // Health is the whole process's, below.
          return;
        default:
          return unreachable(event);
      }
    };
  }

  /** Tells `observer` all that it is told, and measures it. */
  metered(partition: number, observer: ProjectionObserver): ProjectionObserver {
    return (event) => {
      this.#observe(partition, event);
      observer(event);
    };
  }

  /** Of the whole process. */
  healthChanged(isHealthy: boolean): void {
    this.#isHealthy = isHealthy;
  }

  /** A partition that is not projected here is no business of this process, paused or not. */
  left(partitions: Iterable<number>): void {
    for (const partition of partitions) this.#paused.delete(partition);
  }

  /** What of the feed the partitions that are projected here have before them. */
  measureBacklog(
    projector: Pick<PartitionedProjector, 'positions'>,
    backlogOf: (partition: number, afterSequence: number) => Promise<FeedBacklog>,
  ): void {
    this.metrics.sampled(
      [
        {
          name: 'threadweaver_projection_backlog_commits',
          help: 'Commits in the feed that the partitions projected here have before them.',
          valueOf: ({ commits }) => commits,
        },
        {
          name: 'threadweaver_projection_backlog_seconds',
          help: 'How long the oldest of them has been in the feed; 0 when there is none.',
          valueOf: ({ seconds }) => seconds,
        },
      ],
      async () => {
        const positions = [...projector.positions];
        const backlogs = await Promise.all(positions.map(([partition, sequence]) => backlogOf(partition, sequence)));
        const commits = backlogs.reduce((sum, backlog) => sum + backlog.commits, 0);
        const oldestAt = Math.min(...backlogs.map((backlog) => backlog.oldestAt ?? Infinity));
        return { commits, seconds: oldestAt === Infinity ? 0 : Math.max(0, Date.now() - oldestAt) / 1_000 };
      },
    );
  }

  /** Dead letters of the whole projection, the same in every process. */
  measureDeadLetters(operations: Pick<ProjectionOperations, 'partitions'>): void {
    this.metrics.sampled(
      [
        {
          name: 'threadweaver_dead_letter_aggregates',
          help: 'Aggregates with dead letters, in the whole read model.',
          valueOf: ({ aggregates }) => aggregates,
        },
        {
          name: 'threadweaver_dead_letter_commits',
          help: 'Commits among the dead letters, in the whole read model.',
          valueOf: ({ commits }) => commits,
        },
      ],
      async () => {
        const partitions = await operations.partitions();
        const sum = (key: 'parkedAggregates' | 'parkedCommits'): number =>
          partitions.reduce((total, partition) => total + partition[key], 0);
        return { aggregates: sum('parkedAggregates'), commits: sum('parkedCommits') };
      },
    );
  }
}
