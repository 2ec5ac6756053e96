import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { traceContextFrom } from '../../platform/journal/trace-context.js';
import { BucketedJournal } from '../../platform/nats/bucketed-journal.js';
import { InstallationSettings } from '../../platform/nats/installation-settings.js';
import { JetStreamCommandBus } from '../../platform/nats/jetstream-command-bus.js';
import { JetStreamFeedReader } from '../../platform/nats/jetstream-feed-reader.js';
import { JetStreamFeedWriter } from '../../platform/nats/jetstream-feed-writer.js';
import { JetStreamRejectionLog } from '../../platform/nats/jetstream-rejection-log.js';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { isNotPermitted } from '../../platform/nats/not-permitted.js';
import { type JournalLayout, openJournal } from '../../platform/nats/open-journal.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { freePort } from '../servers/free-ports.js';
import { type NatsAccount, natsServer, natsUrl } from '../servers/nats-server.js';
import { type RunningServer, startServer } from '../servers/start-server.js';
import { serviceRights } from '../services.js';
import { type ContextResources, contextResources } from './context-resources.js';
import { natsUsers, OPERATOR } from './nats-rights.js';

const logger = createLogger('test', 'silent');
const readers = ['thread-query', 'thread-projector'] as const;
const users = [...readers, 'thread-command'] as const;
const trace = traceContextFrom('r', undefined);
const commit = { commandId: 'c-1', commandType: 'T', fingerprint: 'f', time: 1, trace, events: [] };
/** So many that each of two buckets has one. */
const ids = ['01A', '01B', '01C', '01D', '01E', '01F'];

/** A second context, whose secrets are no business of threads. */
const other: ContextResources = {
  ...{ name: 'other', prefix: 'OTHER', namespaces: [''], database: 'threadweaver_other', streams: {} },
  journal: { layout: 'bucketed', buckets: 2 },
};

for (const layout of ['per-thread', 'bucketed'] satisfies JournalLayout[]) {
  describe(`the users of NATS, of a journal laid out ${layout}`, function () {
    this.timeout(60_000);
    let dataDir: string;
    let server: RunningServer;
    let port: number;
    const links = new Map<string, NatsLink>();
    const connectionOf = (user: string): NatsConnection => linkOf(user).connection;
    const linkOf = (user: string): NatsLink => links.get(user) ?? assert.fail(user);
    const journalOf = (user: string) => openJournal(linkOf(user), { prefix: 'THREAD', layout, buckets: 2 });
    const journalStream = layout === 'bucketed' ? 'THREAD_JOURNAL_0' : 'THREAD_01A';

    before(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-rights-'));
      port = await freePort();
      const services = { ...serviceRights, 'other-command': { context: 'other', part: 'command' as const } };
      const contexts = [...contextResources({ layout, buckets: 2 }), other];
      const [first, ...rest] = natsUsers(contexts, services).map((user): NatsAccount => ({ ...user, password: 'p' }));
      assert.ok(first);
      server = await startServer(natsServer({ port, dataDir, accounts: [first, ...rest] }));
      for (const { user } of [first, ...rest]) {
        const url = natsUrl(port, { user, password: 'p' });
        links.set(user, await NatsLink.open({ url, name: user, logger }));
      }
      // All that the two contexts have there, made by those who make it.
      for (const [user, prefix] of [
        ['thread-command', 'THREAD'],
        ['other-command', 'OTHER'],
      ] as const) {
        const link = linkOf(user);
        const installation = await InstallationSettings.open(link, { prefix });
        await installation.agree({ journalLayout: layout, journalBuckets: 2, partitions: 4 });
        await new JetStreamFeedWriter(link, { prefix, logger }).announceTakeover();
        const bus = new JetStreamCommandBus(link, { prefix, logger });
        await bus.open({ onCommand: async () => undefined, onAnswer: () => undefined, onReturn: () => undefined });
        await new JetStreamRejectionLog(link, { prefix, logger }).open();
      }
      const others = new BucketedJournal(linkOf('other-command'), { prefix: 'OTHER', buckets: 2 });
      for (const journal of [journalOf('thread-command'), others]) {
        for (const id of ids) await journal.append(id, 0, commit);
      }
    });

    after(async () => {
      for (const link of links.values()) await link.close();
      await server?.stop();
      await rm(dataDir, { recursive: true, force: true });
    });

    const refused = async (user: string, subject: string): Promise<void> => {
      const asked = connectionOf(user).request(subject, '{}', { timeout: 5_000 });
      await assert.rejects(asked, isNotPermitted, `${user} may publish to ${subject}`);
    };
    const refusedToHear = async (user: string, subject: string): Promise<void> => {
      let refusal: unknown;
      const subscription = connectionOf(user).subscribe(subject, { callback: (thrown) => void (refusal ??= thrown) });
      // What was refused is told before the answer to a later ping.
      await connectionOf(user).flush();
      subscription.unsubscribe();
      assert.ok(isNotPermitted(refusal), `${user} may listen to ${subject}`);
    };

    it('let query and projector read the journal and follow the feed, and agree with the installation', async () => {
      for (const user of readers) {
        const versions: number[] = [];
        for await (const { version } of journalOf(user).read('01A', 1)) versions.push(version);
        assert.deepEqual(versions, [1], user);
        const done = new AbortController();
        const feed = new JetStreamFeedReader(linkOf(user), { prefix: 'THREAD' });
        for await (const { kind } of feed.read(0, done.signal)) {
          assert.equal(kind, 'takeover');
          done.abort();
        }
        const installation = await InstallationSettings.open(linkOf(user), { prefix: 'THREAD' });
        await installation.agree({ journalLayout: layout, journalBuckets: 2, partitions: 4 });
      }
    });

    it('keep query and projector from writing: the journal, the feed, commands, settings', async () => {
      const subjects = [
        ...['thread.journal.01A', 'thread.bucket.0.01A', 'thread.feed.0', 'thread.commands.0', 'thread.rejections.0.a'],
        ...['thread.probe', 'thread.created.01A', 'thread.members', '$KV.THREAD_SETTINGS.installation'],
        ...['$KV.THREAD_SNAPSHOTS.01A', '$KV.THREAD_ASSIGNMENT.assignment', '_INBOX.thread-command.a'],
        '$JS.ACK.THREAD_COMMANDS.p0.1.1.1.1.1',
      ];
      for (const user of readers) {
        for (const subject of subjects) await refused(user, subject);
      }
      await refused('thread-query', '$KV.THREAD_PROJECTION_ASSIGNMENT.assignment');
      const versions: number[] = [];
      for await (const { version } of journalOf('thread-command').read('01A', 1)) versions.push(version);
      assert.deepEqual(versions, [1]);
    });

    it('keep every service from deleting, emptying, copying or moving any stream, and from what is not its own', async () => {
      const names: string[] = [];
      for await (const name of (await jetstreamManager(connectionOf(OPERATOR))).streams.names()) names.push(name);
      assert.ok(names.includes(journalStream) && names.includes('OTHER_JOURNAL_0'), names.join());
      for (const user of users) {
        for (const name of names) {
          for (const what of ['DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE', 'LEADER.STEPDOWN', 'PEER.REMOVE']) {
            await refused(user, `$JS.API.STREAM.${what}.${name}`);
          }
          await refused(user, `$JS.API.CONSUMER.NAMES.${name}`);
          await refused(user, `$JS.API.CONSUMER.LIST.${name}`);
          if (name !== 'THREAD_CREATIONS') await refused(user, `$JS.API.STREAM.MSG.DELETE.${name}`);
        }
        for (const what of ['META.LEADER.STEPDOWN', 'SERVER.REMOVE', 'ACCOUNT.PURGE.G'])
          await refused(user, `$JS.API.${what}`);
      }
      for (const name of names) await refused('thread-query', `$JS.API.STREAM.CREATE.${name}`);
      for (const name of names) for (const user of readers) await refused(user, `$JS.API.STREAM.UPDATE.${name}`);
      await refused('thread-query', '$JS.API.CONSUMER.CREATE.THREAD_COMMANDS.p0.thread.commands.0');
      await refused('thread-query', '$JS.API.CONSUMER.DELETE.THREAD_COMMANDS.p0');
      await refused('thread-projector', '$JS.API.CONSUMER.MSG.NEXT.THREAD_COMMANDS.p0');
    });

    it('keep every service from what another context has', async () => {
      for (const user of users) {
        for (const name of [
          'OTHER_JOURNAL_0',
          'OTHER_JOURNAL_1',
          'OTHER_FEED',
          'KV_OTHER_SETTINGS',
          'OTHER_COMMANDS',
        ]) {
          for (const what of ['STREAM.MSG.GET', 'DIRECT.GET', 'STREAM.UPDATE', 'STREAM.CREATE']) {
            await refused(user, `$JS.API.${what}.${name}`);
          }
          await refused(user, `$JS.API.DIRECT.GET.${name}.other.bucket.0.01A`);
          await refused(user, `$JS.API.CONSUMER.CREATE.${name}.mine`);
        }
        await refused(user, 'other.bucket.0.01A');
        await refused(user, 'other.commands.0');
        await refusedToHear(user, 'other.>');
      }
      await refused('other-command', `$JS.API.DIRECT.GET.${journalStream}`);
      await refused('other-command', 'thread.commands.0');
    });

    it('let nobody listen to answers to others, to all of it, or to the server itself', async () => {
      for (const user of users) {
        for (const subject of ['>', '_INBOX.>', '_INBOX.*', `_INBOX.${OPERATOR}.>`, '$SYS.>', '$JS.>', 'thread.>']) {
          await refusedToHear(user, subject);
        }
        for (const another of users) if (another !== user) await refusedToHear(user, `_INBOX.${another}.>`);
        await refused(user, '$SYS.REQ.SERVER.PING');
      }
      await refusedToHear(OPERATOR, '$SYS.>');
    });

    it('let nobody in who is not one of them', async () => {
      for (const credentials of [{}, { user: 'thread-query', pass: 'wrong' }, { user: 'stranger', pass: 'p' }]) {
        await assert.rejects(connect({ servers: `127.0.0.1:${port}`, reconnect: false, ...credentials }), /uthoriz/);
      }
    });
  });
}
