import {
  connect,
  createInbox,
  type MsgHdrs,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { toError } from '../kernel/fault.js';
import { JournalUnavailable } from '../journal/journal.js';
import type { Logger } from '../telemetry/logger.js';
import { isNotPermitted } from './not-permitted.js';
import { JetStreamPublisher, type Acknowledgement, type PublishTerms } from './jetstream-publisher.js';
import { inboxPrefixOf, parseNatsUrl } from './nats-address.js';

export interface NatsLinkOptions {
  /** One server or several, separated by commas, such as `nats://127.0.0.1:4222` or `nats://user:password@127.0.0.1:4222`. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  readonly logger: Logger;
  /** How long one request to JetStream may take, in milliseconds. @default 3000 */
  readonly requestTimeoutMs?: number;
  /** Told once that NATS answers but does not let this process in; connecting goes on. @default an error in the log */
  readonly onRefused?: (message: string) => void;
}

/** After each server was tried once, so much lies between two attempts to connect, and up to as much again. */
const DIAL_PAUSE_MS = 100;
/** Without an attempt for so long, the next ones are the first again. */
const CALM_MS = 1_000;

/**
 * Left to itself the client counts its pauses by the time of day: once a clock that was ahead is put right, it does not
 * connect again for as long as it was ahead.
 */
function pacedDials(): Pick<NodeConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'> {
  let next = 0;
  let dials = 0;
  let dialledAt = -Infinity;
  return {
    reconnectDelayHandler: () => -Infinity,
    reconnectToServer: (servers) => {
      const now = performance.now();
      dials = now - dialledAt > CALM_MS ? 1 : dials + 1;
      dialledAt = now;
      const server = servers[next++ % servers.length];
      if (server === undefined) return null;
      return { server, delay: dials <= servers.length ? 0 : DIAL_PAUSE_MS * (1 + Math.random()) };
    },
  };
}

/**
 * A connection to NATS that comes back by itself, for as long as it takes. What was asked of it while it was lost, or
 * just before, fails at once: whoever asked must look what became of it.
 */
export class NatsLink {
  readonly #lossListeners = new Set<(error: Error) => void>();
  readonly #statusListeners = new Set<(connected: boolean) => void>();
  /** What was said not to be permitted. */
  readonly #told = new Set<string>();
  #isConnected = true;
  #isClosing = false;
  #reconnects = 0;

  private constructor(
    readonly connection: NatsConnection,
    readonly jetstream: JetStreamClient,
    readonly manager: JetStreamManager,
    private readonly publisher: JetStreamPublisher,
    private readonly logger: Logger,
    private readonly inboxPrefix: string,
  ) {
    void this.#watch();
  }

  /** Connects, waiting for a server as long as it takes. */
  static async open({ url, name, logger, requestTimeoutMs = 3_000, onRefused }: NatsLinkOptions): Promise<NatsLink> {
    const { servers, credentials } = parseNatsUrl(url);
    // With users of their own (mesh/rights), each hears the answers that are meant for it, and no others.
    const inboxPrefix = inboxPrefixOf(credentials?.user);
    logger.info({ url: servers.join(',') }, 'connecting to NATS');
    const refused = onRefused ?? ((message: string) => logger.error(message));
    let greetings = 0;
    const connection = await connect({
      servers: [...servers],
      // Asked when a server has greeted. A second time before anything else: the first greeting ended in a refusal.
      authenticator: () => {
        greetings += 1;
        if (greetings === 2) refused('NATS does not let this process in: are NATS_USER and NATS_PASSWORD right?');
        return credentials;
      },
      name,
      inboxPrefix,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      ...pacedDials(),
      // A server that hangs is noticed after some 6 s.
      pingInterval: 3_000,
      maxPingOut: 2,
      ignoreAuthErrorAbort: true,
      // Otherwise each request makes two errors, for their stacks, in case it fails.
      noAsyncTraces: true,
    });
    // Later ones are reconnects.
    greetings = Infinity;
    const options = { timeout: requestTimeoutMs };
    const manager = await jetstreamManager(connection, { ...options, checkAPI: false });
    const publisher = new JetStreamPublisher(connection, { timeoutMs: requestTimeoutMs, inboxPrefix });
    return new NatsLink(connection, jetstream(connection, options), manager, publisher, logger, inboxPrefix);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** A new subject for answers to this process. */
  createInbox(): string {
    return createInbox(this.inboxPrefix);
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
      else if (status.type === 'error') this.#tellError(status.error);
    }
    this.#lost();
  }

  /** What is not permitted is asked for again and again by who waits until somebody else does it: told once. */
  #tellError(error: Error): void {
    if (!isNotPermitted(error)) this.logger.warn({ error }, 'NATS reports an error');
    else if (!this.#told.has(error.message)) {
      this.#told.add(error.message);
      this.logger.warn({ reason: error.message }, 'NATS does not permit it to this user');
    }
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
