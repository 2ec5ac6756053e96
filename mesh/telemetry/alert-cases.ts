/** Series of a metric as promtool writes them (`0+1x40`: from 0 on, by 1, 40 times), a value each half minute. */
export type Series = Readonly<Record<string, string>>;

/** When an alert fires, and when not yet: the same, with these series in place of others. */
export interface RuleCase {
  readonly series: Series;
  /** It fires then. */
  readonly atMinute: number;
  /** With these in their place it does not. */
  readonly quiet: Series;
}

const steady = (value: number): string => `${value}x120`;
const growing = (by: number): string => `0+${by}x120`;
const calls = (code: string): string =>
  `grpc_server_handled_total{grpc_service="S",grpc_method="M",grpc_code="${code}"}`;
const took = (le: string): string => `grpc_server_handling_seconds_bucket{grpc_service="S",grpc_method="M",le="${le}"}`;
const lag = (le: string): string => `threadweaver_projection_lag_seconds_bucket{le="${le}"}`;
const is = (metric: string, firing: number, quiet: number, atMinute: number): RuleCase => {
  const name = `threadweaver_${metric}`;
  return { series: { [name]: steady(firing) }, atMinute, quiet: { [name]: steady(quiet) } };
};
const near = (metric: string, limit: string, firing: number, quiet: number, atMinute: number): RuleCase => {
  const { series, quiet: other } = is(metric, firing, quiet, atMinute);
  return { series: { ...series, [`threadweaver_${limit}`]: steady(100) }, atMinute, quiet: other };
};

/** A case of every alert in mesh/telemetry/alerts.yaml. */
export const cases: Readonly<Record<string, RuleCase>> = {
  CallsFail: { series: { [calls('INTERNAL')]: growing(1) }, atMinute: 8, quiet: { [calls('INTERNAL')]: steady(1) } },
  CallsRefused: {
    series: { [calls('OK')]: growing(100), [calls('UNAVAILABLE')]: growing(3) },
    atMinute: 15,
    quiet: { [calls('UNAVAILABLE')]: '0+1x4 4x120' },
  },
  CallsSlow: {
    series: { [took('1')]: growing(90), [took('2.5')]: growing(100), [took('+Inf')]: growing(100) },
    atMinute: 20,
    quiet: { [took('1')]: growing(100) },
  },
  CommandsPileUp: near('commands_waiting', 'commands_waiting_limit', 81, 79, 5),
  JournalConflicts: {
    series: { threadweaver_journal_conflicts_total: growing(60) },
    atMinute: 20,
    quiet: { threadweaver_journal_conflicts_total: growing(20) },
  },
  CommandPartitionsWithoutOwner: near('command_partitions_owned', 'command_partitions', 99, 100, 3),
  CommandPartitionsRestless: {
    series: { threadweaver_command_partition_moves_total: growing(20), threadweaver_command_partitions: steady(64) },
    atMinute: 40,
    quiet: { threadweaver_command_partition_moves_total: growing(1) },
  },
  OwnershipQuarrel: {
    series: { threadweaver_command_ownership_changes_total: growing(5) },
    atMinute: 10,
    quiet: { threadweaver_command_ownership_changes_total: growing(1) },
  },
  NatsLost: is('nats_connected', 0, 1, 2),
  NatsUnwritable: is('nats_writable', 0, 1, 2),
  NatsUnsteady: {
    series: { threadweaver_nats_reconnects_total: growing(1) },
    atMinute: 10,
    quiet: { threadweaver_nats_reconnects_total: '0x10 1x110' },
  },
  JournalNearlyFull: near('journal_streams', 'journal_streams_limit', 81, 79, 15),
  JournalFull: near('journal_streams', 'journal_streams_limit', 100, 99, 3),
  FeedBehind: is('feed_copies_waiting', 10_001, 9_999, 5),
  ProjectionBehind: is('projection_backlog_seconds', 31, 29, 3),
  ProjectionSlow: {
    series: { [lag('1')]: growing(90), [lag('2.5')]: growing(100), [lag('+Inf')]: growing(100) },
    atMinute: 20,
    quiet: { [lag('1')]: growing(100) },
  },
  ProjectionFails: is('projection_healthy', 0, 1, 3),
  ProjectionPaused: is('projection_paused_partitions', 1, 0, 35),
  ProjectionPartitionsWithoutOwner: near('projection_partitions_owned', 'projection_partitions', 99, 100, 5),
  DeadLetters: is('dead_letter_aggregates', 1, 0, 3),
  FeedUnreadable: {
    series: {
      threadweaver_projection_malformed_total: '0x10 1x110',
      threadweaver_projection_unfounded_total: steady(0),
      threadweaver_projection_ahead_total: steady(0),
    },
    atMinute: 10,
    quiet: { threadweaver_projection_malformed_total: steady(0) },
  },
  DatabaseDown: is('database_up', 0, 1, 2),
  DatabaseConnectionsScarce: {
    series: {
      threadweaver_database_waiting: steady(1),
      threadweaver_database_connections_in_use: steady(10),
      threadweaver_database_connections_limit: steady(10),
    },
    atMinute: 8,
    quiet: { threadweaver_database_connections_in_use: steady(9) },
  },
  WaitersNearLimit: near('watchers', 'watchers_limit', 81, 79, 5),
  PasswordsPileUp: near('password_hashes_waiting', 'password_hashes_waiting_limit', 81, 79, 5),
  RefreshTokensReused: {
    series: { threadweaver_refresh_tokens_reused_total: growing(3) },
    atMinute: 12,
    quiet: { threadweaver_refresh_tokens_reused_total: steady(0) },
  },
  EventLoopBlocked: {
    series: { nodejs_eventloop_lag_p99_seconds: steady(0.3) },
    atMinute: 8,
    quiet: { nodejs_eventloop_lag_p99_seconds: steady(0.2) },
  },
  OpenFilesScarce: {
    series: { process_open_fds: steady(81), process_max_fds: steady(100) },
    atMinute: 8,
    quiet: { process_open_fds: steady(79) },
  },
  MetricsMissing: {
    series: { threadweaver_commands_waiting: steady(0), threadweaver_projection_healthy: steady(1) },
    atMinute: 8,
    quiet: { threadweaver_queries_waiting: steady(0) },
  },
};
