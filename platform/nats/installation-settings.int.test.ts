import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import type { Fault } from '../kernel/fault.js';
import { someCommit } from '../testing/journal-contract.js';
import { sharedNatsUrl } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { beginMaintenance, endMaintenance } from './installation-maintenance.js';
import { InstallationSettings } from './installation-settings.js';
import type { InstallationValues } from './installation-values.js';
import { StreamPerAggregateJournal } from './stream-per-aggregate-journal.js';
import { NatsLink } from './nats-link.js';

const values: InstallationValues = { journalLayout: 'per-thread', journalBuckets: 16, partitions: 64 };
const migration = { task: 'migrate to bucketed', remedy: 'Run it again.' };

describe('InstallationSettings', () => {
  let link: NatsLink;
  let prefix: string;
  before(async () => {
    link = await NatsLink.open({ url: await sharedNatsUrl(), name: 'test', logger: createLogger('test', 'silent') });
  });
  after(() => link.close());
  beforeEach(() => (prefix = `S${ulid().slice(-10)}`));

  const open = (): Promise<InstallationSettings> => InstallationSettings.open(link, { prefix });

  it('keeps what the first member says, and lets in those that say the same', async () => {
    assert.equal(await (await open()).read(), undefined);
    await (await open()).agree(values);
    await (await open()).agree(values);
    assert.deepEqual(await (await open()).read(), values);
  });

  it('refuses a member that says otherwise, naming each setting, both values and what to do', async () => {
    await (await open()).agree({ ...values, journalLayout: 'bucketed' });
    const other = { journalLayout: 'per-thread', journalBuckets: 8, partitions: 32 } as const;
    await assert.rejects((await open()).agree(other), (error: Fault) => {
      assert.deepEqual([error.kind, error.reason], ['failed-precondition', 'INSTALLATION_MISMATCH']);
      assert.equal(
        error.message,
        'this installation has other settings: JOURNAL_LAYOUT is bucketed, not per-thread; JOURNAL_BUCKETS is 16, not 8; ' +
          'PARTITIONS is 64, not 32. Start with JOURNAL_LAYOUT=bucketed JOURNAL_BUCKETS=16 PARTITIONS=64, ' +
          'or stop all owners and run `npm run admin -- <context> journal migrate`',
      );
      return true;
    });
    assert.equal((await (await open()).read())?.partitions, 64);
  });

  it('does not mind the number of buckets where there are none', async () => {
    await (await open()).agree(values);
    await (await open()).agree({ ...values, journalBuckets: 8 });
  });

  it('lets just one of two in that start at once and differ, and both when they agree', async () => {
    for (const partitions of [64, 32]) {
      prefix = `S${ulid().slice(-10)}`;
      const [one, other] = await Promise.all([open(), open()]);
      const outcomes = await Promise.allSettled([one.agree(values), other.agree({ ...values, partitions })]);
      const refused = outcomes.filter(({ status }) => status === 'rejected').length;
      assert.equal(refused, partitions === 64 ? 0 : 1);
    }
  });

  it('keeps owners out during maintenance, lets the same go on and no other begin', async () => {
    const settings = await open();
    await beginMaintenance(settings, values, migration);
    await assert.rejects(settings.agree(values), (error: Fault) => {
      assert.equal(error.reason, 'INSTALLATION_IN_MAINTENANCE');
      assert.equal(error.message, '"journal migrate to bucketed" is under way or was interrupted. Run it again.');
      return true;
    });
    await settings.agree(values, { duringMaintenance: true });
    await beginMaintenance(settings, values, migration);
    await assert.rejects(beginMaintenance(settings, values, { ...migration, task: 'import' }), {
      reason: 'INSTALLATION_IN_MAINTENANCE',
    });
    await assert.rejects(endMaintenance(settings, 'import'), { reason: 'NO_MAINTENANCE' });
    await endMaintenance(settings, migration.task, { journalLayout: 'bucketed' });
    await settings.agree({ ...values, journalLayout: 'bucketed' });
    await assert.rejects(settings.agree(values), { reason: 'INSTALLATION_MISMATCH' });
  });

  it('does not let a first member choose another layout than that of a journal from before', async () => {
    await new StreamPerAggregateJournal(link, { prefix }, () => undefined).append(ulid(), 0, someCommit('older'));
    await assert.rejects((await open()).agree({ ...values, journalLayout: 'bucketed' }), {
      reason: 'INSTALLATION_MISMATCH',
      message:
        'there is a journal already, and its layout is per-thread, not bucketed. Start with JOURNAL_LAYOUT=per-thread',
    });
    await (await open()).agree(values);
  });

  it('tells a running member when it may no longer run', async () => {
    const settings = await open();
    await settings.agree(values);
    const told = new Promise<Error>((resolve) => void settings.watch(values, resolve));
    const toldAtChange = new Promise<Error>(
      (resolve) => void settings.watch(values, resolve, { duringMaintenance: true }),
    );
    await beginMaintenance(settings, values, migration);
    assert.equal(((await told) as Fault).reason, 'INSTALLATION_IN_MAINTENANCE');
    await endMaintenance(settings, migration.task, { partitions: 128 });
    assert.equal(((await toldAtChange) as Fault).reason, 'INSTALLATION_MISMATCH');
  });
});
