import { chunksOf } from '../process/chunks-of.js';
import { doneBefore } from '../process/done-within.js';
import { pause } from '../process/pause.js';
import type { Journal } from '../journal/journal.js';
import type { ProjectionObserver } from './projection-observer.js';
import { isPassing, type ProjectionWriter } from './projection-writer.js';

export interface ReconcilerOptions {
  readonly journal: Pick<Journal, 'read' | 'list'>;
  readonly observer: ProjectionObserver;
  /** How often it is due, in milliseconds. */
  readonly everyMs: number;
  /** Gives the writer to one caller at a time. */
  inTurn(work: () => Promise<void>): Promise<void>;
}

/** So many aggregates are compared, and so many repaired, before the feed gets its turn again. */
const RECONCILE_CHUNK = 500;
const REPAIR_CHUNK = 16;

/** Compares the journal's versions with the read model's, at the start, every so often and when asked, and repairs what is behind. */
export class Reconciler {
  #isDue = true;
  #wake: (() => void) | undefined;

  constructor(private readonly options: ReconcilerOptions) {}

  /** Has them compared soon. */
  request(): void {
    this.#isDue = true;
    this.#wake?.();
  }

  /**
   * Compares when it is due, with the writer of one session, until the signal.
   * @throws as `ProjectionWriter.repair` and the journal do
   */
  async run(writer: ProjectionWriter, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#isDue) {
        this.#isDue = false;
        try {
          const reconciling = this.#reconcile(writer, signal);
          // The list may be long in coming; once aborted it changes nothing any more.
          await doneBefore(signal, reconciling);
        } finally {
          // Cut short, by an error or the end of the session, it is still to be done.
          if (signal.aborted) this.#isDue = true;
        }
      }
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      if (this.#isDue) continue;
      await doneBefore(signal, pause(this.options.everyMs, woken.signal));
      woken.abort();
      this.#isDue = true;
    }
  }

  async #reconcile(writer: ProjectionWriter, signal: AbortSignal): Promise<void> {
    let checked = 0;
    let repaired = 0;
    const ahead: string[] = [];
    try {
      for await (const chunk of chunksOf(this.options.journal.list(), RECONCILE_CHUNK)) {
        const versions = await writer.loadVersions(chunk.map(({ aggregateId }) => aggregateId));
        const behind = chunk.filter(({ aggregateId, version }) => version > (versions.get(aggregateId) ?? 0));
        for (let start = 0; start < behind.length; start += REPAIR_CHUNK) {
          if (signal.aborted) return;
          const ids = behind.slice(start, start + REPAIR_CHUNK).map(({ aggregateId }) => aggregateId);
          await this.options.inTurn(() => writer.repair(ids));
        }
        for (const { aggregateId, version } of chunk) {
          const projected = versions.get(aggregateId) ?? 0;
          // It may have been appended and projected since the list was made.
          if (projected > version && !(await this.#hasVersion(aggregateId, projected))) ahead.push(aggregateId);
        }
        checked += chunk.length;
        repaired += behind.length;
        if (signal.aborted) return;
      }
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
    if (ahead.length > 0) this.options.observer({ kind: 'ahead', aggregateIds: ahead });
    this.options.observer({ kind: 'reconciled', checked, repaired });
  }

  /** Is it in the journal? True as well when it cannot be read: whoever projects it finds out. */
  async #hasVersion(aggregateId: string, version: number): Promise<boolean> {
    try {
      for await (const _ of this.options.journal.read(aggregateId, version)) return true;
      return false;
    } catch (error) {
      if (isPassing(error)) throw error;
      return true;
    }
  }
}
