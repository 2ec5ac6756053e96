import { Fault } from '../kernel/fault.js';
import type { JournalLayout } from './open-journal.js';

/** What all members of an installation must agree on, because data are laid out by it. */
export interface InstallationValues {
  /** JOURNAL_LAYOUT */
  readonly journalLayout: JournalLayout;
  /** JOURNAL_BUCKETS; means nothing unless the layout is `bucketed`. */
  readonly journalBuckets: number;
  /** PARTITIONS */
  readonly partitions: number;
}

/** Something that moves the journal's data, and during which no owner may run. */
export interface Maintenance {
  /** What is being done, for people and to tell whether it is the same again, such as `migrate to bucketed`. */
  readonly task: string;
  /** What to do when it was interrupted. */
  readonly remedy: string;
}

/** What is kept of an installation. */
export interface KeptInstallation extends InstallationValues {
  readonly maintenance?: Maintenance | undefined;
}

/**
 * @throws Fault kind `failed-precondition`, reason INSTALLATION_MISMATCH naming each setting that differs, or reason
 * INSTALLATION_IN_MAINTENANCE
 */
export function assertAgreement(kept: KeptInstallation, given: InstallationValues, duringMaintenance: boolean): void {
  if (kept.maintenance !== undefined && !duringMaintenance) throw inMaintenance(kept);
  const isBucketed = kept.journalLayout === 'bucketed';
  const compared = [
    ['JOURNAL_LAYOUT', kept.journalLayout, given.journalLayout],
    ['JOURNAL_BUCKETS', ...(isBucketed ? [kept.journalBuckets, given.journalBuckets] : [])],
    ['PARTITIONS', kept.partitions, given.partitions],
  ];
  const differing = compared.filter(([, keptValue, givenValue]) => keptValue !== givenValue);
  if (differing.length === 0) return;
  const differences = differing.map(([name, keptValue, givenValue]) => `${name} is ${keptValue}, not ${givenValue}`);
  const remedy = differing.map(([name, keptValue]) => `${name}=${keptValue}`).join(' ');
  throw new Fault(
    'failed-precondition',
    'INSTALLATION_MISMATCH',
    `this installation has other settings: ${differences.join('; ')}. Start with ${remedy}` +
      (kept.journalLayout === given.journalLayout
        ? ''
        : ', or stop all owners and run `npm run admin -- <context> journal migrate`'),
  );
}

/** The fault of whoever may not go on during maintenance. */
export function inMaintenance({ maintenance }: KeptInstallation): Fault {
  const message = `"journal ${maintenance?.task}" is under way or was interrupted. ${maintenance?.remedy}`;
  return new Fault('failed-precondition', 'INSTALLATION_IN_MAINTENANCE', message);
}
