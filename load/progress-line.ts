import type { WriteStream } from 'node:tty';
import type { LoadProgress } from './engine/load-result.js';
import { formatDuration, formatShare } from './quantities.js';

/** Without a terminal, a line comes so often, in milliseconds. */
const LINE_EVERY_MS = 5_000;

/** On a terminal one line that changes; elsewhere a line now and then. */
export class ProgressLine {
  #shownAt = -Infinity;

  constructor(
    private readonly output: Pick<WriteStream, 'write'> & { readonly isTTY?: boolean },
    private readonly now: () => number = Date.now,
  ) {}

  show(progress: LoadProgress): void {
    if (this.output.isTTY === true) {
      this.output.write(`\r\u001B[K${describe(progress)}`);
    } else if (progress.phase === 'running' && progress.count === 0 && progress.elapsedMs < LINE_EVERY_MS) {
      // Nothing to tell yet.
    } else if (this.now() - this.#shownAt >= LINE_EVERY_MS) {
      this.#shownAt = this.now();
      this.output.write(`${describe(progress)}\n`);
    }
  }

  /** Leaves the terminal's line. */
  end(): void {
    if (this.output.isTTY === true) this.output.write('\r\u001B[K');
  }
}

function describe(progress: LoadProgress): string {
  const { phase, elapsedMs, totalMs, users, count, failed, perSecond, p99, prepared, toPrepare } = progress;
  if (phase === 'preparing') return toPrepare === 0 ? 'preparing' : `preparing: ${prepared} of ${toPrepare} threads`;
  const time = phase === 'ending' ? 'ending' : `${seconds(elapsedMs)} of ${seconds(totalMs)}`;
  const errors = failed === 0 ? 'no errors' : `${failed} errors (${formatShare(failed, count)})`;
  return `${time}  ${users} users  ${perSecond.toFixed(0)} requests/s  p99 ${formatDuration(p99)}  ${count} requests, ${errors}`;
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1_000)} s`;
}
