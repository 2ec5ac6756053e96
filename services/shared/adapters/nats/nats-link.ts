import { connect, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { toError } from '../../kernel/fault.js';
import { JournalUnavailable } from '../../runtime/journal.js';
import type { Logger } from '../telemetry/logger.js';
import { JetStreamPublisher, type Acknowledgement, type PublishTerms } from './jetstream-publisher.js';

export interface NatsLinkOptions {
  /** One server or several, separated by commas, such as `nats://127.0.0.1:4222`. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  readonly logger: Logger;
  /** How long one request to JetStream may take, in milliseconds. @default 3000 */
  readonly requestTimeoutMs?: number;
}

/**
 * A connection to NATS that comes back by itself, for as long as it takes. What was asked of it while it was lost, or
 * just before, fails at once: whoever asked must look what became of it.
 */
export class NatsLink {
  readonly #lossListeners = new Set<(error: Error) => void>();
  readonly #statusListeners = new Set<(connected: boolean) => void>();
  #isConnected = true;
  #isClosing = false;
  #reconnects = 0;

  private constructor(
    readonly connection: NatsConnection,
    readonly jetstream: JetStreamClient,
    readonly manager: JetStreamManager,
    private readonly publisher: JetStreamPublisher,
    private readonly logger: Logger,
  ) {
    void this.#watch();
  }

  /** Connects, waiting for a server as long as it takes. */
  static async open({ url, name, logger, requestTimeoutMs = 3_000 }: NatsLinkOptions): Promise<NatsLink> {
    logger.info({ url }, 'connecting to NATS');
    const connection = await connect({
      servers: url.split(',').map((server) => server.trim()),
      name,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      // A server that hangs is noticed after some 6 s.
      pingInterval: 3_000,
      maxPingOut: 2,
      ignoreAuthErrorAbort: true,
      // Otherwise each request makes two errors, for their stacks, in case it fails.
      noAsyncTraces: true,
    });
    const options = { timeout: requestTimeoutMs };
    const manager = await jetstreamManager(connection, { ...options, checkAPI: false });
    const publisher = new JetStreamPublisher(connection, { timeoutMs: requestTimeoutMs });
    return new NatsLink(connection, jetstream(connection, options), manager, publisher, logger);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** How often a lost connection has come back. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** Calls `listener` at each loss and return of the connection, until the function that it gives is called. */
  onStatus(listener: (connected: boolean) => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  /**
   * The outcome of `ask`, unless the connection is lost meanwhile.
   * @throws JournalUnavailable the connection is or was lost; if it was, what was asked may have been done
   */
  async ask<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.#isConnected || this.connection.isClosed()) throw notConnected();
    return new Promise<T>((resolve, reject) => {
      this.#lossListeners.add(reject);
      ask()
        .then(resolve, (thrown: unknown) => reject(toError(thrown)))
        .finally(() => this.#lossListeners.delete(reject));
    });
  }

  /**
   * Publishes to JetStream, for hot paths: as `jetstream.publish` within `ask`, but much cheaper. Messages leave in the
   * order of the calls.
   *
   * @throws JournalUnavailable the connection is or was lost; if it was, what was published may have been taken
   * @throws Error as JetStreamPublisher.publish
   */
  publish(
    subject: string,
    data: Uint8Array,
    headers: MsgHdrs | undefined,
    terms: PublishTerms,
  ): Promise<Acknowledgement> {
    if (!this.#isConnected || this.connection.isClosed()) return Promise.reject(notConnected());
    return this.publisher.publish(subject, data, headers, terms);
  }

  /** As `publish`, but without an acknowledgement. While the connection is lost, it does nothing. */
  send(subject: string, data: Uint8Array, headers: MsgHdrs | undefined, terms: PublishTerms): void {
    if (this.#isConnected && !this.connection.isClosed()) this.publisher.send(subject, data, headers, terms);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') this.#lost();
      else if (status.type === 'reconnect') this.#setConnected(true);
      else if (status.type === 'error') this.logger.warn({ error: status.error }, 'NATS reports an error');
    }
    this.#lost();
  }

  #lost(): void {
    this.#setConnected(false);
    const listeners = [...this.#lossListeners];
    this.#lossListeners.clear();
    for (const listener of listeners) listener(lost());
    this.publisher.failAll(lost());
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#isConnected || this.#isClosing) return;
    this.#isConnected = connected;
    if (connected) this.#reconnects += 1;
    this.logger[connected ? 'info' : 'warn']({ connected }, connected ? 'NATS is back' : 'NATS is lost');
    for (const listener of this.#statusListeners) listener(connected);
  }
}

function notConnected(): JournalUnavailable {
  return new JournalUnavailable('not connected to NATS');
}

function lost(): JournalUnavailable {
  return new JournalUnavailable('the connection to NATS was lost');
}
