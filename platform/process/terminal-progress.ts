import type { WriteStream } from 'node:tty';
import type { Progress } from './progress.js';

const BAR_WIDTH = 30;
/** The bar is drawn so often at most, in milliseconds. */
const DRAW_EVERY_MS = 100;
/** Without a terminal, a line comes so often, in milliseconds. */
const LINE_EVERY_MS = 5_000;

/** What of a stream is needed. */
export type ProgressOutput = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean };

/** A bar with the time left on a terminal; elsewhere a line now and then. */
export class TerminalProgress implements Progress {
  #task = '';
  #unit = '';
  #total: number | undefined;
  #done = 0;
  #startedAt = 0;
  #shownAt = 0;

  constructor(
    private readonly output: ProgressOutput,
    private readonly now: () => number = Date.now,
  ) {}

  begin(task: string, total: number | undefined, unit: string): void {
    [this.#task, this.#total, this.#unit, this.#done] = [task, total, unit, 0];
    this.#startedAt = this.#shownAt = this.now();
    if (this.#isTerminal) this.#show();
  }

  advance(count: number): void {
    this.#done += count;
    const every = this.#isTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS;
    if (this.now() - this.#shownAt >= every) this.#show();
  }

  end(): void {
    this.#show();
    if (this.#isTerminal) this.output.write('\n');
  }

  get #isTerminal(): boolean {
    return this.output.isTTY === true;
  }

  #show(): void {
    this.#shownAt = this.now();
    const text = this.#text();
    this.output.write(this.#isTerminal ? `\r\u001B[K${text}` : `${text}\n`);
  }

  #text(): string {
    if (this.#total === undefined) return `${this.#task}: ${this.#done} ${this.#unit}`;
    const share = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = this.#isTerminal ? `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ` : '';
    const percent = `${Math.floor(share * 100)} %`;
    return `${this.#task}: ${bar}${percent}, ${this.#done} of ${this.#total} ${this.#unit}${this.#timeLeft(share)}`;
  }

  #timeLeft(share: number): string {
    const elapsedMs = this.now() - this.#startedAt;
    if (share === 1) return ` in ${(elapsedMs / 1_000).toFixed(1)} s`;
    if (share === 0) return '';
    const seconds = Math.ceil((elapsedMs * (1 - share)) / share / 1_000);
    return seconds < 120 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
  }
}
