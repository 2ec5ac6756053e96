import { Environment } from '../../../platform/process/environment.js';
import { withLocalInstallation } from '../../../platform/process/local-installation.js';
import type { InstallationValues } from '../../../platform/nats/installation-settings.js';
import { readNatsUrl, readInstallationValues } from '../../../platform/composition/service-config.js';

/** Settings of the journal's command; docs/settings.md lists them. */
export interface JournalCommandConfig {
  /** NATS_URL. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS: copies of each stream that is made, in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** JOURNAL_MAX_STREAMS: so many streams may there be with a stream per thread. @default 10000 */
  readonly journalMaxStreams: number;
  /** JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS: of an installation that has kept none yet. */
  readonly installation: InstallationValues;
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readJournalCommandConfig(variables = process.env): JournalCommandConfig {
  const environment = new Environment(withLocalInstallation(variables));
  return {
    natsUrl: readNatsUrl(environment),
    natsReplicas: environment.integer('NATS_REPLICAS', 1, { minimum: 1, maximum: 5 }),
    journalMaxStreams: environment.integer('JOURNAL_MAX_STREAMS', 10_000, { minimum: 1 }),
    installation: readInstallationValues(environment),
  };
}
