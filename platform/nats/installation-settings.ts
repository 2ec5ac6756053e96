import { setTimeout as delay } from 'node:timers/promises';
import type { KV, KvEntry } from '@nats-io/kv';
import { Fault, toError } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { isWrongExpectation } from './journal-errors.js';
import { assertAgreement, type InstallationValues, type KeptInstallation } from './installation-values.js';
import type { NatsLink } from './nats-link.js';
import { journalLayouts, subjectPrefixOf, type JournalLayout } from './open-journal.js';
import { openBucket, untilMade } from './open-stream.js';

export interface InstallationSettingsOptions {
  /** Stands before the bucket's name, such as `THREAD`. */
  readonly prefix: string;
  /** Copies of the bucket in a cluster. @default 1 */
  readonly replicas?: number;
}

const KEY = 'installation';
/** So long the settings are asked for again when nobody answers, in milliseconds. */
const ANSWERED_WITHIN_MS = 15_000;

/**
 * The settings of the installation, kept in the KV bucket `<PREFIX>_SETTINGS`. The first member writes them, every
 * later one compares.
 */
export class InstallationSettings {
  private constructor(
    private readonly link: NatsLink,
    private readonly prefix: string,
    private readonly bucket: KV,
  ) {}

  static async open(
    link: NatsLink,
    { prefix, replicas = 1 }: InstallationSettingsOptions,
  ): Promise<InstallationSettings> {
    // Only the leader is sure to know the last value.
    const options = { replicas, history: 1, allow_direct: false };
    const bucket = await openBucket(link, `${prefix}_SETTINGS`, options);
    return new InstallationSettings(link, prefix, bucket);
  }

  /** @returns undefined when no member has ever been here */
  async read(): Promise<KeptInstallation | undefined> {
    const entry = await this.#entry();
    return entry === undefined ? undefined : keptIn(entry);
  }

  /**
   * Keeps the values when none are kept; else compares. An owner calls it before it announces itself as a member, and
   * again after: maintenance that began in between has not seen it.
   *
   * @throws Fault kind `failed-precondition`, reason INSTALLATION_MISMATCH naming each setting that differs, or reason
   * INSTALLATION_IN_MAINTENANCE
   */
  async agree(given: InstallationValues, { duringMaintenance = false } = {}): Promise<void> {
    const { journalLayout, journalBuckets, partitions } = given;
    // Only owners may write them; the others wait for the first owner.
    const kept = await untilMade(() => this.#createOrRead({ journalLayout, journalBuckets, partitions }));
    assertAgreement(kept, given, duringMaintenance);
  }

  /**
   * Calls `onDisagreement`, once, when what is kept no longer allows a member with these values, until the link is
   * closed: `agree` would now throw the fault that it is given.
   */
  async watch(
    given: InstallationValues,
    onDisagreement: (fault: Error) => void,
    { duringMaintenance = false } = {},
  ): Promise<void> {
    const entries = await this.link.ask(() => this.bucket.watch({ key: KEY }));
    const look = async (): Promise<void> => {
      for await (const entry of entries) assertAgreement(keptIn(entry), given, duringMaintenance);
    };
    look()
      .catch((thrown: unknown) => onDisagreement(toError(thrown)))
      .finally(() => entries.stop());
  }

  /**
   * Replaces what is kept by what `change` makes of it, which is asked again when another process was quicker.
   * @param first is kept before, when nothing is
   */
  async change(
    first: InstallationValues | undefined,
    change: (kept: KeptInstallation) => KeptInstallation,
  ): Promise<void> {
    if (first !== undefined) await this.#createOrRead(first);
    for (;;) {
      const entry = await this.#entry();
      if (entry === undefined) throw new Fault('internal', 'NO_INSTALLATION', 'no settings are kept');
      const data = JSON.stringify(change(keptIn(entry)));
      try {
        await this.link.ask(() => this.bucket.update(KEY, data, entry.revision));
        return;
      } catch (error) {
        // Another process was quicker: look again.
        if (!isWrongExpectation(error)) throw error;
      }
    }
  }

  async #createOrRead(values: InstallationValues): Promise<KeptInstallation> {
    for (;;) {
      const entry = await this.#entry();
      if (entry !== undefined) return keptIn(entry);
      await this.#assertNoOtherLayout(values);
      try {
        await this.link.ask(() => this.bucket.create(KEY, JSON.stringify(values)));
        return values;
      } catch (error) {
        // Another member was quicker: compare with what it has written.
        if (!isWrongExpectation(error)) throw error;
      }
    }
  }

  /** Of a journal from before settings were kept, the layout is not what the first member happens to say. */
  async #assertNoOtherLayout({ journalLayout }: InstallationValues): Promise<void> {
    const present: JournalLayout[] = [];
    for (const layout of journalLayouts) {
      const names = this.link.manager.streams.names(`${subjectPrefixOf(this.prefix, layout)}>`);
      if ((await this.link.ask(() => names.next())).length > 0) present.push(layout);
    }
    const [other] = present;
    // Both are there after a migration; which of them is the present one, only whoever starts us knows.
    if (other === undefined || present.includes(journalLayout)) return;
    const message = `there is a journal already, and its layout is ${other}, not ${journalLayout}. Start with JOURNAL_LAYOUT=${other}`;
    throw new Fault('failed-precondition', 'INSTALLATION_MISMATCH', message);
  }

  async #entry(): Promise<KvEntry | undefined> {
    const backoff = new Backoff({ firstMs: 20, maxMs: 500 });
    const deadline = performance.now() + ANSWERED_WITHIN_MS;
    for (;;) {
      try {
        const entry = await this.link.ask(() => this.bucket.get(KEY));
        return entry?.operation === 'PUT' ? entry : undefined;
      } catch (error) {
        // In a cluster nobody answers for the bucket until it has a leader.
        if (performance.now() > deadline) throw error;
        await delay(backoff.next());
      }
    }
  }
}

function keptIn(entry: KvEntry): KeptInstallation {
  return entry.json<KeptInstallation>();
}
