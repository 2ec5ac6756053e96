import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsLink } from '../../platform/nats/nats-link.js';
import type { JournalLayout } from '../../platform/nats/open-journal.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { startNatsServer, waitUntilHealthy, type RunningServer } from '../../mesh/servers/index.js';
import { checkNatsHealth } from '../../mesh/servers/nats-server.js';
import { fillJournal } from './fill-journal.js';
import { bytesOf } from './footprint.js';
import { startService, type BenchService } from './service.js';
import { someThread, type BenchThread } from './thread-history.js';

const RESTARTED_WITHIN_MS = 120_000;

export interface BenchInstallationOptions {
  readonly layout: JournalLayout;
  readonly threads: number;
  readonly commits: number;
  onProgress?(done: number): void;
}

/** A nats-server with a journal of so many threads, and the services that are started on it. */
export class BenchInstallation {
  readonly #services: BenchService[] = [];

  private constructor(
    readonly options: BenchInstallationOptions,
    readonly threads: readonly BenchThread[],
    readonly filledPerSecond: number,
    private readonly dataDir: string,
    private nats: RunningServer,
  ) {}

  /** Fills the journal without flushes, then has nats-server start with `sync_interval: always`. */
  static async fill(options: BenchInstallationOptions): Promise<BenchInstallation> {
    const dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-scaling-'));
    // A stream per thread takes half a minute to come back with 10,000: there, it runs with flushes from the beginning.
    const isRestarted = options.layout === 'bucketed';
    let nats: RunningServer | undefined;
    try {
      nats = await startNatsServer({ dataDir, syncAlways: !isRestarted });
      const threads = Array.from({ length: options.threads }, () => someThread());
      const link = await NatsLink.open({ url: nats.url, name: 'bench', logger: createLogger('bench', 'silent') });
      const ms = await fillJournal(link, { ...options, threads }).finally(() => link.close());
      if (isRestarted) {
        await nats.stop();
        nats = await startNatsServer({ dataDir });
      }
      return new BenchInstallation(options, threads, (1_000 * threads.length * options.commits) / ms, dataDir, nats);
    } catch (error) {
      await nats?.stop();
      await rm(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  get natsPid(): number {
    return this.nats.pid;
  }

  /** What every service is told. */
  get env(): Record<string, string> {
    const { layout, threads } = this.options;
    const streams = String(Math.max(10_000, 2 * threads));
    return {
      NATS_URL: this.nats.url,
      JOURNAL_LAYOUT: layout,
      JOURNAL_MAX_STREAMS: streams,
      JOURNAL_MAX_STREAMS_PER_ACCOUNT: streams,
    };
  }

  async start(main: string, env: Readonly<Record<string, string>> = {}): Promise<BenchService> {
    const service = await startService(main, { LOG_LEVEL: 'info', ...this.env, ...env });
    this.#services.push(service);
    return service;
  }

  /** Bytes of JetStream's files. */
  diskBytes(): Promise<number> {
    return bytesOf(this.dataDir);
  }

  /** @returns milliseconds until it answers again */
  async restartNats(): Promise<number> {
    await this.nats.kill('SIGTERM');
    const startedAt = performance.now();
    // With 10,000 streams it takes longer than a test's server may.
    await this.nats
      .restart()
      .catch(() => waitUntilHealthy('nats', () => checkNatsHealth(this.nats.url), { timeoutMs: RESTARTED_WITHIN_MS }));
    return performance.now() - startedAt;
  }

  openLink(): Promise<NatsLink> {
    return NatsLink.open({ url: this.nats.url, name: 'bench', logger: createLogger('bench', 'silent') });
  }

  async stopServices(): Promise<void> {
    for (const service of this.#services.splice(0)) {
      await service.kill('SIGKILL');
      await service.stop();
    }
  }

  async close(): Promise<void> {
    await this.stopServices();
    await this.nats.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
