import { setTimeout as delay } from 'node:timers/promises';
import { InstallationSettings } from './installation-settings.js';
import type { InstallationValues } from './installation-values.js';
import { JetStreamFeedReader } from './jetstream-feed-reader.js';
import { NatsLink } from './nats-link.js';
import { openJournal } from './open-journal.js';
import type { Logger } from '../telemetry/logger.js';
import { Fault, toError } from '../kernel/fault.js';
import { CommitHub, type CommitHubOptions } from '../watching/commit-hub.js';

export interface ConnectedCommitsOptions {
  /** Name of the connection, for NATS. */
  readonly name: string;
  /** Stands before the names of the context's streams and subjects. */
  readonly prefix: string;
  readonly natsUrl: string;
  readonly natsReplicas: number;
  readonly feedStorage: 'memory' | 'file';
  readonly installation: InstallationValues;
  readonly hub: Omit<CommitHubOptions, 'feed' | 'journal' | 'onTrouble'>;
  readonly logger: Logger;
  /** The installation is laid out otherwise than this process believes: it must not go on. */
  onDisagreement(error: Error): void;
}

/** Between tries to agree with the installation, in milliseconds. */
const AGREE_AGAIN_MS = 500;

/**
 * Connects to NATS in the background, for as long as it takes: queries do not need it, and until it is there nobody
 * can watch.
 */
export class ConnectedCommits {
  #hub: CommitHub | undefined;
  #link: NatsLink | undefined;
  #isStopped = false;

  constructor(private readonly options: ConnectedCommitsOptions) {}

  /** @throws Fault kind `unavailable` not connected yet, or stopped */
  get hub(): CommitHub {
    if (this.#hub !== undefined) return this.#hub;
    throw new Fault('unavailable', 'JOURNAL_UNAVAILABLE', 'the journal is unavailable, try again');
  }

  /** The connection, once there is one. */
  get link(): NatsLink | undefined {
    return this.#link;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#hub?.followers ?? 0;
  }

  start(): void {
    this.#connect().catch((error: unknown) => this.options.onDisagreement(toError(error)));
  }

  /** Ends all watches, so that their clients go elsewhere. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#hub?.stop();
    await this.#link?.close();
  }

  async #connect(): Promise<void> {
    const {
      name,
      prefix,
      natsUrl: url,
      natsReplicas: replicas,
      feedStorage: storage,
      installation,
      logger,
    } = this.options;
    const link = await NatsLink.open({ url, name, logger });
    if (this.#isStopped) return link.close();
    this.#link = link;
    await this.#agree(link);
    if (this.#isStopped) return;
    const { journalLayout: layout, journalBuckets: buckets, partitions } = installation;
    const journal = openJournal(link, { prefix, layout, buckets, replicas });
    this.#hub = new CommitHub({
      ...this.options.hub,
      journal,
      feed: new JetStreamFeedReader(link, { prefix, partitions, storage, replicas }),
      onTrouble: ({ message: reason }) => logger.warn({ reason }, 'the feed cannot be read, trying again'),
    });
    logger.info('watching is possible');
  }

  /** As the projector does: it only reads, so it may go on while the journal is copied, but not read the old copy later. */
  async #agree(link: NatsLink): Promise<void> {
    const { prefix, natsReplicas: replicas, installation, onDisagreement, logger } = this.options;
    const role = { duringMaintenance: true };
    while (!this.#isStopped) {
      try {
        const settings = await InstallationSettings.open(link, { prefix, replicas });
        await settings.agree(installation, role);
        await settings.watch(installation, onDisagreement, role);
        return;
      } catch (error) {
        if (error instanceof Fault && error.kind === 'failed-precondition') throw error;
        logger.warn({ reason: toError(error).message }, 'no installation to agree with yet, trying again');
        await delay(AGREE_AGAIN_MS);
      }
    }
  }
}
