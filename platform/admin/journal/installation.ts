import { beginMaintenance, endMaintenance } from '../../nats/installation-maintenance.js';
import { InstallationSettings } from '../../nats/installation-settings.js';
import type { InstallationValues, KeptInstallation } from '../../nats/installation-values.js';
import type { NatsLink } from '../../nats/nats-link.js';
import { readMembership } from '../../nats/read-membership.js';
import { openJournal, type JournalLayout } from '../../nats/open-journal.js';
import type { RawJournal } from '../../nats/raw-journal.js';
import type { Context } from '../../journal/context.js';
import { commandPrefixOf } from '../command-line/admin-task.js';
import { Fault } from '../../kernel/fault.js';

export interface InstallationOptions {
  readonly link: NatsLink;
  readonly context: Context;
  /** Of an installation that has kept none yet. */
  readonly values: InstallationValues;
  /** Copies of each stream that is made. */
  readonly replicas: number;
  /** So many streams may there be on the server. */
  readonly maxStreams: number;
}

/** The installation whose journal is looked after. */
export class Installation {
  private constructor(
    readonly options: InstallationOptions,
    readonly settings: InstallationSettings,
  ) {}

  static async open(options: InstallationOptions): Promise<Installation> {
    const { link, context, replicas } = options;
    return new Installation(options, await InstallationSettings.open(link, { prefix: context.prefix, replicas }));
  }

  /** What a person types in front of what is done to this journal. */
  get command(): string {
    return `${commandPrefixOf(this.options.context)} journal`;
  }

  /** What is kept, or would be. */
  async values(): Promise<KeptInstallation> {
    return (await this.settings.read()) ?? this.options.values;
  }

  journal(layout: JournalLayout, buckets: number): RawJournal {
    const { link, context, replicas, maxStreams } = this.options;
    return openJournal(link, { prefix: context.prefix, layout, buckets, replicas, maxStreams });
  }

  /** The journal that members use at present. */
  async presentJournal(): Promise<RawJournal> {
    const { journalLayout, journalBuckets } = await this.values();
    return this.journal(journalLayout, journalBuckets);
  }

  /** @throws Fault reason OWNERS_RUNNING naming them */
  async assertNoOwners(): Promise<void> {
    const { members } = await readMembership(this.options.link, this.options.context.prefix);
    if (members.size === 0) return;
    const named = [...members.values()].map(({ id, address }) => `${id} at ${address}`);
    const message = `owners are running: ${named.join(', ')}. Stop every ${this.options.context.name}-command, wait some seconds, and run this again`;
    throw new Fault('failed-precondition', 'OWNERS_RUNNING', message);
  }

  /**
   * Keeps owners out, and makes sure that none had come in meanwhile.
   * @param task what it is, and the same when it was interrupted and is begun again
   * @param goOn says how to go on then
   * @throws Fault reason OWNERS_RUNNING, or INSTALLATION_IN_MAINTENANCE when another task was begun and not ended
   */
  async beginMaintenance(task: string, goOn: string): Promise<void> {
    await this.assertNoOwners();
    const wasBegun = (await this.values()).maintenance !== undefined;
    const remedy = `${goOn}, \`${this.command} give-up\` leaves it at that`;
    await beginMaintenance(this.settings, this.options.values, { task, remedy });
    try {
      await this.assertNoOwners();
    } catch (error) {
      if (!wasBegun) await endMaintenance(this.settings, task);
      throw error;
    }
  }

  /**
   * Lets owners start again after an import or a migration that was interrupted; the layout stays.
   * @returns what was given up; undefined when there was nothing
   */
  async giveUpMaintenance(): Promise<string | undefined> {
    const { maintenance } = await this.values();
    if (maintenance !== undefined) await endMaintenance(this.settings, maintenance.task);
    return maintenance?.task;
  }
}
