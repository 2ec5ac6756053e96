import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import type { RunningMesh } from '../../mesh/local/index.js';
import {
  AddMessagesRequest,
  AddMessagesResponse,
  CreateThreadRequest,
  CreateThreadResponse,
  DestroyThreadRequest,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { openJournal, type JournalLayout } from '../../platform/nats/open-journal.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import type { Journal } from '../../platform/journal/journal.js';
import { frame, Http2Client, type Identity, nobody } from './http2-client.js';
import type { KnownIds } from './random-message.js';

export const COMMANDS = '/threadweaver.thread.v1.ThreadCommandService';
export const QUERIES = '/threadweaver.thread.v1.ThreadQueryService';

/** One for all scenes: each logger listens for the end of the process. */
const logger = createLogger('fuzz', 'silent');

/** Accounts and threads that are fuzzed, and what was acknowledged in them. */
export class Scene {
  readonly accounts = [ulid(), ulid(), ulid()] as const;
  threads: string[] = [];
  messages: string[] = [];
  /** Nobody writes to it but a request that is hidden in another. */
  canary = '';
  readonly #versions = new Map<string, number>();
  readonly #acknowledged = new Map<string, Set<number>>();
  #unknown = 0;

  private constructor(
    private readonly link: NatsLink,
    private readonly journal: Journal,
    private readonly client: Http2Client,
    /** Who the requests are from that are fuzzed. */
    readonly identity: Identity,
  ) {}

  static async open(mesh: RunningMesh, layout: JournalLayout, identity = nobody): Promise<Scene> {
    const link = await NatsLink.open({ url: mesh.natsUrl, name: 'fuzz', logger });
    const journal = openJournal(link, { prefix: 'THREAD', layout });
    const scene = new Scene(link, journal, new Http2Client(mesh.ports.envoy, undefined, identity), identity);
    scene.canary = await scene.#create();
    await scene.refresh();
    return scene;
  }

  /** Threads anew: two that live, the second under the first, and one that is destroyed. */
  async refresh(): Promise<void> {
    const first = await this.#create();
    const [second, gone] = [await this.#create(first), await this.#create()];
    const [account] = this.accounts;
    await this.#command(
      'DestroyThread',
      DestroyThreadRequest.encode(DestroyThreadRequest.fromPartial({ accountId: account, threadId: gone })).finish(),
    );
    const texts = { messages: [{ text: 'one' }, { text: 'two' }, { text: 'three' }] };
    this.messages = [];
    for (const threadId of [first, second]) {
      const request = AddMessagesRequest.fromPartial({ accountId: account, threadId, ...texts });
      const added = AddMessagesResponse.decode(
        await this.#command('AddMessages', AddMessagesRequest.encode(request).finish()),
      );
      this.messages.push(...added.messageIds);
    }
    this.threads = [first, second, gone];
    this.#versions.clear();
    this.#acknowledged.clear();
    for (const id of [...this.threads, this.canary]) this.#versions.set(id, await this.#versionOf(id));
  }

  /** The identity as lines of HTTP/1.1. */
  get identityLines(): string {
    const lines = Object.entries(this.identity()).map(([name, value]) => `${name}: ${value}\r\n`);
    return lines.join('');
  }

  get ids(): KnownIds {
    // The administrator's and the live threads most often, so that commands are carried out.
    const [administrator, member, stranger] = this.accounts;
    const [first, second, gone] = this.threads as [string, string, string];
    return {
      accounts: [...Array<string>(8).fill(administrator), member, stranger],
      threads: [...Array<string>(6).fill(first), second, gone],
      messages: this.messages,
    };
  }

  acknowledge(threadId: string, version: number): void {
    const known = this.#acknowledged.get(threadId) ?? new Set();
    this.#acknowledged.set(threadId, known.add(version));
  }

  /** A command may have been carried out without an acknowledgement. */
  notKnown(): void {
    this.#unknown += 1;
  }

  /** What is in the journal and was not acknowledged, or the other way round. @returns sentences */
  async check(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [threadId, before] of this.#versions) {
      const now = await this.#versionOf(threadId);
      const acknowledged = [...(this.#acknowledged.get(threadId) ?? [])].filter((version) => version > before);
      const surplus = now - before - acknowledged.length;
      if (threadId === this.canary && now !== before) wrong.push('a request within another was carried out');
      else if (surplus > this.#unknown) wrong.push(`${surplus} commits in ${threadId} that no answer has told`);
      if (acknowledged.some((version) => version > now))
        wrong.push(`${threadId} lacks a version that was acknowledged`);
      this.#versions.set(threadId, now);
    }
    this.#unknown = 0;
    return wrong;
  }

  async close(): Promise<void> {
    this.client.close();
    await this.link.close();
  }

  async #create(parentThreadId?: string): Promise<string> {
    const [accountId, member] = this.accounts;
    const request = CreateThreadRequest.fromPartial({
      accountId,
      parentThreadId,
      title: 'fuzzed',
      administratorIds: [accountId],
      memberIds: [member],
    });
    return CreateThreadResponse.decode(
      await this.#command('CreateThread', CreateThreadRequest.encode(request).finish()),
    ).threadId;
  }

  async #command(name: string, request: Uint8Array): Promise<Buffer> {
    const { code, message, messages } = await this.client.call(`${COMMANDS}/${name}`, frame(request));
    assert.equal(code, 'OK', `${name}: ${message}`);
    return messages[0] ?? Buffer.alloc(0);
  }

  async #versionOf(threadId: string): Promise<number> {
    let version = this.#versions.get(threadId) ?? 0;
    for await (const commit of this.journal.read(threadId, version + 1)) ({ version } = commit);
    return version;
  }
}
