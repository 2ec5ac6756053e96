import { drawPanels } from '../../load/report/draw-panels.js';
import { journalLayouts } from '../../platform/nats/open-journal.js';
import type { Measured, MeasuredSize } from './measured.js';

const panels: readonly {
  readonly title: string;
  readonly isLog?: boolean;
  valueOf(size: MeasuredSize): number | undefined;
}[] = [
  { title: 'posts/s to 100 of the threads, of the reference', valueOf: (size) => size.postsOfReference },
  { title: 'their p99, of the reference', valueOf: (size) => size.postP99OfReference },
  { title: 'p99 of posts to threads not in memory, ms', valueOf: (size) => size.coldP99Ms },
  { title: 'nats-server, MiB', isLog: true, valueOf: (size) => size.natsMib },
  { title: 'restart of nats-server, s', isLog: true, valueOf: (size) => size.natsRestartMs / 1_000 },
  { title: 'thread-command until SERVING, s', valueOf: (size) => size.commandStartMs / 1_000 },
  { title: 'thread-command after the load, MiB', valueOf: (size) => size.commandMib },
  { title: 'takeover after kill -9, s', valueOf: (size) => size.takeoverMs / 1_000 },
  { title: 'MySQL, MiB', isLog: true, valueOf: (size) => Math.max(0.01, size.mysqlBytes / 2 ** 20) },
];

/** The curve as one SVG: a panel for each figure, a line for each layout, threads on the x-axis. */
export function drawCurve({ sizes }: Pick<Measured, 'sizes'>): string {
  return drawPanels(
    panels.map(({ title, isLog, valueOf }) => ({
      ...{ title, unit: '', isLog },
      lines: journalLayouts.map((layout) => ({
        name: layout,
        points: sizes
          .filter((size) => size.layout === layout && size.commits === 2)
          .flatMap((size) => {
            const value = valueOf(size);
            return value === undefined ? [] : [[size.threads, value] as const];
          }),
      })),
    })),
    { width: 1_200, height: 310, columns: 3, xName: 'threads', isLogX: true },
  );
}
