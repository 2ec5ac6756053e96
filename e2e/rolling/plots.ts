import type { EChartsOption } from 'echarts';
import type { RollingResult } from './run-rolling.js';
import { fdPoints, heapPoints, rssPoints } from './sampler.js';
import { longLivedParts, partNames } from './rolling-mesh.js';
import type { Point } from './slope.js';

const WIDTH = 1_000;
const INTERVAL_MS = 10_000;
const MINUTE_MS = 60_000;
const FONT = 'sans-serif';

/** The run's plots as SVG, by the name of their files. echarts is asked for only here: who wants no plots need not have it. */
export async function drawPlots(result: RollingResult): Promise<Map<string, string>> {
  const { init } = await import('echarts');
  const draw = (option: EChartsOption, height: number): string => {
    const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
    try {
      chart.setOption({ animation: false, textStyle: { fontFamily: FONT }, backgroundColor: '#fff', ...option });
      return `${chart.renderToSVGString()}\n`;
    } finally {
      chart.dispose();
    }
  };
  return new Map([
    ['calls', draw(callsPlot(result), 640)],
    ['memory', draw(memoryPlot(result), 640)],
    ['files', draw(linesPlot('open files', fdLines(result), result.elapsedMs), 340)],
  ]);
}

interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** Latency over time, and below it what was restarted when. */
function callsPlot({ calls, startedAt, restarts, elapsedMs }: RollingResult): EChartsOption {
  const intervals = calls.intervals(startedAt, INTERVAL_MS);
  const line = (name: string, valueOf: (interval: (typeof intervals)[number]) => number) => ({
    ...{ type: 'line' as const, name, showSymbol: false, lineStyle: { width: 1.5 } },
    data: intervals.flatMap((interval, index) => {
      const point = [minutes(interval.atMs), rounded(valueOf(interval))];
      // A quiet moment is a gap in the line.
      const isGap = interval.atMs - (intervals[index - 1]?.atMs ?? interval.atMs) > INTERVAL_MS;
      return isGap ? [[minutes(interval.atMs - INTERVAL_MS), null], point] : [point];
    }),
  });
  const parts = [...partNames].reverse();
  return {
    legend: { top: 5 },
    grid: [
      { left: 130, right: 60, top: 45, height: 300 },
      { left: 130, right: 60, top: 385, height: 200 },
    ],
    xAxis: [0, 1].map((gridIndex) => ({
      ...{ type: 'value' as const, gridIndex, min: 0, max: Math.ceil(minutes(elapsedMs)) },
      ...(gridIndex === 1 ? { name: 'minutes', nameLocation: 'middle' as const, nameGap: 28 } : {}),
    })),
    yAxis: [
      { type: 'log', name: 'ms', min: 1, gridIndex: 0 },
      { type: 'value', name: 'calls/s', min: 0, gridIndex: 0, position: 'right', splitLine: { show: false } },
      { type: 'category', data: parts, gridIndex: 1, splitLine: { show: true } },
    ],
    series: [
      line('p50', ({ p50 }) => p50),
      line('p99', ({ p99 }) => p99),
      line('longest', ({ max }) => max),
      {
        ...line('calls/s (right)', ({ perSecond }) => perSecond),
        yAxisIndex: 1,
        lineStyle: { width: 1, type: 'dashed' },
      },
      {
        ...{ type: 'scatter', name: 'restarts', xAxisIndex: 1, yAxisIndex: 2, symbol: 'rect', symbolSize: [6, 10] },
        data: restarts.map(({ part, atMs, tookMs }) => [rounded(minutes(atMs + tookMs / 2)), part]),
      },
    ],
  };
}

/** What is left of the heap after collections, and the resident memory of all that lives long. */
function memoryPlot({ sampler, elapsedMs }: RollingResult): EChartsOption {
  const heaps = [...sampler.heaps].map(([name, found]) => ({ name: `${name} (heap)`, points: heapPoints(found, 0) }));
  const rss = longLivedParts.map((name) => ({ name, points: rssPoints(sampler.samples.get(name) ?? [], 0) }));
  const [above, below] = [
    linesPlot('MiB after a collection', heaps, elapsedMs),
    linesPlot('MiB resident', rss, elapsedMs),
  ];
  const of = (option: EChartsOption, key: 'xAxis' | 'yAxis', gridIndex: number) => ({
    ...(option[key] as object),
    gridIndex,
    ...(key === 'xAxis' && gridIndex === 0 ? { name: '' } : {}),
  });
  const seriesOf = (option: EChartsOption, index: number) =>
    (option.series as object[]).map((series) => ({ ...series, xAxisIndex: index, yAxisIndex: index }));
  return {
    legend: { top: 5 },
    grid: [
      { left: 60, right: 30, top: 75, height: 220 },
      { left: 60, right: 30, top: 345, height: 240 },
    ],
    xAxis: [of(above, 'xAxis', 0), of(below, 'xAxis', 1)] as never,
    yAxis: [of(above, 'yAxis', 0), of(below, 'yAxis', 1)] as never,
    series: [...seriesOf(above, 0), ...seriesOf(below, 1)] as never,
  };
}

function fdLines({ sampler }: RollingResult): Line[] {
  return longLivedParts.map((name) => ({ name, points: fdPoints(sampler.samples.get(name) ?? [], 0) }));
}

function linesPlot(unit: string, lines: readonly Line[], elapsedMs: number): EChartsOption {
  return {
    legend: { top: 5 },
    grid: { left: 60, right: 30, top: 50, bottom: 50 },
    xAxis: {
      type: 'value',
      name: 'minutes',
      nameLocation: 'middle',
      nameGap: 28,
      min: 0,
      max: Math.ceil(minutes(elapsedMs)),
    },
    yAxis: { type: 'value', name: unit, min: 0, nameTextStyle: { align: 'left' } },
    series: lines.map(({ name, points }) => ({
      ...{ type: 'line', name, showSymbol: false, lineStyle: { width: 1.5 } },
      data: thinned(points).map(({ atMs, value }) => [rounded(minutes(atMs)), rounded(value)]),
    })),
  };
}

const MOST_POINTS = 300;

function thinned(points: readonly Point[]): Point[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => index % every === 0);
}

function minutes(ms: number): number {
  return ms / MINUTE_MS;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
