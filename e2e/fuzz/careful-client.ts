import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { RunningMesh } from '../../mesh/local/index.js';
import {
  AddMessagesRequest,
  AddMessagesResponse,
  CreateThreadRequest,
  CreateThreadResponse,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { GetThreadRequest, ListMessagesRequest } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { HealthCheckRequest, HealthCheckResponse } from '../../gen/grpc/health/v1/health.js';
import { type Answer, frame, Http2Client, type Identity, nobody } from './http2-client.js';
import { rawRequest } from './raw-http.js';
import { COMMANDS, QUERIES } from './scene.js';

const CALL_EVERY_MS = 40;
const ADDRESS = '127.0.0.2';

/** A client that does nothing wrong, from an address of its own, and must not notice what others do. */
export class CarefulClient {
  readonly account = ulid();
  calls = 0;
  #failures: string[] = [];
  #isOver = false;
  #threadId = '';
  #nextThreadAt = 0;
  readonly #edge: Http2Client;
  readonly #services: readonly Http2Client[];
  readonly #loops: Promise<void>[] = [];

  private constructor(
    private readonly mesh: RunningMesh,
    private readonly identity: Identity,
  ) {
    this.#edge = new Http2Client(mesh.ports.envoy, ADDRESS, identity);
    const { threadCommand, threadQuery } = mesh.ports;
    this.#services = [threadCommand, threadQuery].map((port) => new Http2Client(port, ADDRESS));
  }

  /** @throws Error when not even a first call succeeds */
  static async start(mesh: RunningMesh, identity = nobody): Promise<CarefulClient> {
    const client = new CarefulClient(mesh, identity);
    await client.#openThread();
    client.#loops.push(
      client.#repeat(() => client.#talk()),
      client.#repeat(() => client.#askForHealth()),
    );
    return client;
  }

  /** What has failed since the last call of this. */
  takeFailures(): string[] {
    return this.#failures.splice(0);
  }

  /** Waits until it has had so many more answers, so that it has seen what went on meanwhile. */
  async untilAnswered(count: number): Promise<void> {
    const goal = this.calls + count;
    while (this.calls < goal) await delay(10);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    for (const client of [this.#edge, ...this.#services]) client.close();
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await once();
      await delay(CALL_EVERY_MS);
    }
  }

  async #talk(): Promise<void> {
    const { account: accountId } = this;
    // A thread holds 5,000 messages.
    if (this.calls >= this.#nextThreadAt) await this.#openThread();
    const of = { accountId, threadId: this.#threadId };
    const metadata = { 'x-thread-id': this.#threadId };
    const request = AddMessagesRequest.fromPartial({ ...of, messages: [{ text: 'all is well' }] });
    let version = 0n;
    if (this.calls % 10 === 0) {
      const posted = await this.#call(
        'AddMessages',
        `${COMMANDS}/AddMessages`,
        AddMessagesRequest.encode(request).finish(),
        metadata,
      );
      if (posted.code === 'OK') ({ version } = AddMessagesResponse.decode(posted.messages[0] ?? Buffer.alloc(0)));
    }
    const get = GetThreadRequest.encode(GetThreadRequest.fromPartial({ ...of, minVersion: version || 1n })).finish();
    await this.#call('GetThread', `${QUERIES}/GetThread`, get, metadata);
    const list = ListMessagesRequest.encode(ListMessagesRequest.fromPartial({ ...of, pageSize: 10 })).finish();
    await this.#call('ListMessages', `${QUERIES}/ListMessages`, list, metadata);
    // A connection of its own each time, as simple clients do.
    const path = `/v1/threads/${this.#threadId}?account_id=${accountId}`;
    const headers = Object.entries({ host: 'mesh', connection: 'close', ...this.identity() });
    const text = `GET ${path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    const answer = await rawRequest(this.mesh.ports.envoy, [Buffer.from(text)], {
      localAddress: ADDRESS,
      patienceMs: 60_000,
    });
    this.#note('GET by REST', /^HTTP\/1\.1 200 /.test(answer), answer.slice(0, 300));
  }

  async #openThread(): Promise<void> {
    const [accountId, administratorIds] = [this.account, [this.account]];
    const request = CreateThreadRequest.fromPartial({ accountId, title: 't', administratorIds });
    const body = frame(CreateThreadRequest.encode(request).finish());
    const { code, message, messages } = await this.#edge.call(`${COMMANDS}/CreateThread`, body);
    if (code !== 'OK') throw new Error(`the careful client cannot create a thread: ${code} ${message}`);
    this.#threadId = CreateThreadResponse.decode(messages[0] ?? Buffer.alloc(0)).threadId;
    this.#nextThreadAt = this.calls + 20_000;
  }

  async #askForHealth(): Promise<void> {
    for (const client of this.#services) {
      const answer = await client.call(
        '/grpc.health.v1.Health/Check',
        frame(HealthCheckRequest.encode({ service: '' }).finish()),
      );
      const isServing =
        answer.code === 'OK' && HealthCheckResponse.decode(answer.messages[0] ?? Buffer.alloc(0)).status === 1;
      this.#note(
        `health at ${client.port === this.mesh.ports.threadCommand ? 'thread-command' : 'thread-query'}`,
        isServing,
        `${answer.code} ${answer.message}`,
      );
    }
  }

  async #call(name: string, path: string, request: Uint8Array, headers: Record<string, string>): Promise<Answer> {
    const answer = await this.#edge.call(path, frame(request), { headers });
    this.#note(name, answer.code === 'OK', `${answer.code} ${answer.message}`);
    return answer;
  }

  #note(what: string, isWell: boolean, detail: string): void {
    this.calls += 1;
    if (!isWell && !this.#isOver) this.#failures.push(`${what}: ${detail}`);
  }
}
