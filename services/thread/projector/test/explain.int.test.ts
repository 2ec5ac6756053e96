import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import type { Commit } from '../../../../platform/journal/journal.js';
import { resultOf, spawnCommand } from '../../../../platform/testing/command-process.js';
import type { ServiceProcess } from '../../../../platform/testing/service-process.js';
import { history, InstallationFixture, poisonedHistory } from './installation-fixture.js';
import { commitOf, messagesAdded, threadCreated } from './projection-fixture.js';

describe('npm run admin -- thread explain', function () {
  this.timeout(90_000);
  let installation: InstallationFixture;
  let projector: ServiceProcess;
  before(async () => {
    installation = await InstallationFixture.open();
    projector = await installation.startProjector();
  });
  after(async function () {
    await installation.close();
  });

  const explain = (...args: string[]) =>
    resultOf(spawnCommand('services/admin.ts', ['thread', 'explain', ...args], installation.env));

  async function explainJson(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await explain(...args, '--json');
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** A thread whose message is edited, reacted to and removed, by three accounts. */
  function story(): { commits: Commit[]; id: string; message: string; accounts: [string, string, string] } {
    const [id, message, ...accounts] = [ulid(), ulid(), ulid(), ulid(), ulid()] as const;
    const [one, two, three] = accounts;
    const occurredAt = 2_000;
    const named = (version: number, commandType: string, ...events: Parameters<typeof commitOf>[2][]) => ({
      ...commitOf(id, version, ...events),
      commandType,
    });
    const commits = [
      named(1, 'CreateThread', threadCreated(id, { creatorId: one, memberIds: [two, three] })),
      named(2, 'AddMessages', messagesAdded(two, [{ id: message }])),
      named(3, 'AddReaction', {
        type: 'ReactionAdded',
        accountId: three,
        messageId: message,
        reaction: '👍',
        occurredAt,
      }),
      named(4, 'EditMessage', {
        ...{ type: 'MessageEdited', senderId: two, messageId: message, text: 'a secret word', occurredAt },
      }),
      named(5, 'UpdateThread', {
        ...{ type: 'ThreadUpdated', accountId: one, title: 'another', clearsRemarks: false, occurredAt },
      }),
    ];
    return { commits, id, message, accounts: [one, two, three] };
  }

  it('names commit, command, caller, request and trace of each column, out of the journal', async () => {
    const { commits, id, message, accounts } = story();
    await installation.write(...commits);
    await installation.projected(commits.at(-1) as Commit);
    const { code, stdout } = await explain('messages', `${id}/${message}`);
    assert.equal(code, 0, stdout);
    const [first, head, ...lines] = stdout.trimEnd().split('\n');
    assert.equal(first, `messages ${id}/${message} is of 2 commits of thread ${id}`);
    assert.match(head ?? '', /^VERSION +TIME +COMMAND +CALLER +REQUEST +TRACE +COLUMNS$/);
    const trace = 'a'.repeat(32);
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)),
      [
        [
          ...['2', '1970-01-01T00:00:01.002Z', 'AddMessages', accounts[1], 'request-2', trace],
          'position, sender_id, reply_message_id, to_account_ids, created_at',
        ],
        ['4', '1970-01-01T00:00:01.004Z', 'EditMessage', accounts[1], 'request-4', trace, 'text, updated_at'],
      ],
    );
    assert.ok(!stdout.includes('secret'), 'no text of a message is shown');

    const thread = await explainJson('threads', id);
    const columns = thread.columns as Record<string, number>;
    assert.deepEqual([columns.creator_id, columns.title, columns.version], [1, 5, 5]);
    const reaction = await explainJson('message_reactions', `${id}/${message}/👍/${accounts[2]}`);
    assert.deepEqual(reaction.columns, { position: 3 });
    assert.equal((reaction.history as { caller: string }[])[0]?.caller, accounts[2]);
    const member = await explainJson('thread_participants', `${id}/${accounts[1]}`);
    assert.deepEqual(member.columns, { member_position: 1 });
  });

  it('says what has removed a row, and with --history all that was overwritten', async () => {
    const { commits, id, message, accounts } = story();
    const removal = commitOf(id, 6, {
      ...{ type: 'MessagesRemoved', removerId: accounts[1], messageIds: [message], occurredAt: 3_000 },
    });
    await installation.write(...commits, removal);
    await installation.projected(removal);
    const { stdout } = await explain('messages', `${id}/${message}`);
    assert.match(stdout, /is gone since version 6\n.*\n6 .* request-6 .* removes the row\n$/);
    const all = await explain('messages', `${id}/${message}`, '--history');
    assert.deepEqual([...all.stdout.matchAll(/^(\d) /gm)].map(([, version]) => version), ['2', '4', '6']); // prettier-ignore
    const gone = await explainJson('message_reactions', `${id}/${message}/👍/${accounts[2]}`);
    assert.deepEqual([gone.isThere, gone.columns], [false, {}]);
  });

  it('says that a row is behind, and that its thread is parked', async () => {
    const commits = poisonedHistory(3, 3);
    const { aggregateId } = commits[0] as Commit;
    await installation.write(...commits);
    await projector.logLine(({ msg, thread_id: id }) => String(msg).startsWith('parked') && id === aggregateId);
    const { stdout } = await explain('threads', aggregateId);
    assert.match(stdout, /the read model is behind: at version 2, the journal at 4\n/);
    assert.match(stdout, /is parked at version 3 since 20.*: "FromTheFuture" is no known type of event/);
    assert.match(stdout, /version 3 is unreadable: /);
    assert.match(stdout, /not projected yet, of this row:\n.*\n4 /);
  });

  it('answers clearly when nothing is known of a row', async () => {
    const unknown = ulid();
    const nothing = await explain('threads', unknown);
    assert.deepEqual([nothing.code, nothing.stdout], [1, `thread ${unknown} has no history in the journal\n`]);
    const commits = history(1);
    await installation.write(...commits);
    await installation.projected(commits.at(-1) as Commit);
    const other = await explain('messages', `${(commits[0] as Commit).aggregateId}/${unknown}`);
    assert.deepEqual(
      [other.code, /^no commit of thread .* up to version 2 has made messages /.test(other.stdout)],
      [1, true],
    );
  });
});
