import * as echarts from 'echarts';
import type { JournalLayout } from '../../platform/nats/open-journal.js';
import type { Measured, MeasuredSize } from './measured.js';

const WIDTH = 1_200;
const PANEL_HEIGHT = 330;
const COLUMNS = 3;

const layouts: Readonly<Record<JournalLayout, string>> = { 'per-thread': '#c0392b', bucketed: '#2471a3' };

interface Panel {
  readonly title: string;
  readonly isLog?: boolean;
  valueOf(size: MeasuredSize): number | undefined;
}

const panels: readonly Panel[] = [
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

/** The curve as one SVG that needs nothing else: a panel for each figure, a line for each layout, threads on the x-axis. */
export function drawCurve({ sizes }: Pick<Measured, 'sizes'>): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: rows * PANEL_HEIGHT });
  const left = (index: number): number => 55 + (index % COLUMNS) * (WIDTH / COLUMNS);
  const top = (index: number): number => 60 + Math.floor(index / COLUMNS) * PANEL_HEIGHT;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { bottom: 0, data: Object.keys(layouts) },
    title: panels.map(({ title }, index) => ({
      text: title,
      left: left(index),
      top: top(index) - 40,
      textStyle: { fontSize: 13, fontWeight: 'normal' },
    })),
    grid: panels.map((_, index) => ({
      left: left(index),
      top: top(index),
      width: WIDTH / COLUMNS - 85,
      height: PANEL_HEIGHT - 120,
    })),
    xAxis: panels.map((_, index) => ({
      type: 'log',
      gridIndex: index,
      name: 'threads',
      nameLocation: 'middle',
      nameGap: 24,
    })),
    yAxis: panels.map(({ isLog = false }, index) => ({
      type: isLog ? 'log' : 'value',
      gridIndex: index,
      min: isLog ? undefined : 0,
    })),
    series: panels.flatMap(({ valueOf }, index) =>
      Object.entries(layouts).map(([layout, color]) => ({
        type: 'line',
        name: layout,
        xAxisIndex: index,
        yAxisIndex: index,
        color,
        data: sizes
          .filter((size) => size.layout === layout && size.commits === 2)
          .flatMap((size) => {
            const value = valueOf(size);
            return value === undefined ? [] : [[size.threads, value]];
          }),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
