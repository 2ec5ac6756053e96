import type { Line } from '../../load/report/draw-panels.js';
import type { RollingResult } from './run-rolling.js';
import { fdPoints, heapPoints, rssPoints } from './sampler.js';
import { longLivedParts, partNames } from './rolling-mesh.js';
import type { Point } from './slope.js';

const INTERVAL_MS = 10_000;
const MINUTE_MS = 60_000;
const MOST_POINTS = 300;

/** The run's plots as SVG, by the name of their files. echarts is asked for only here: who wants no plots need not have it. */
export async function drawPlots(result: RollingResult): Promise<Map<string, string>> {
  const { drawPanels } = await import('../../load/report/draw-panels.js');
  const { sampler, restarts, elapsedMs } = result;
  const xMax = Math.ceil(minutes(elapsedMs));
  const draw = (panels: Parameters<typeof drawPanels>[0]): string =>
    `${drawPanels(panels, { width: 1_000, height: 330, xName: 'minutes', xMax })}\n`;
  const ofLongLived = (pointsOf: typeof rssPoints): Line[] =>
    longLivedParts.map((name) => ({ name, points: thinned(pointsOf(sampler.samples.get(name) ?? [], 0)) }));
  const heaps = [...sampler.heaps].map(([name, found]) => ({
    name: `${name} (heap)`,
    points: thinned(heapPoints(found, 0)),
  }));
  const restarted = restarts.map(({ part, atMs, tookMs }) => [minutes(atMs + tookMs / 2), part] as const);
  return new Map([
    [
      'calls',
      draw([
        { unit: 'ms', rightUnit: 'calls/s', isLog: true, lines: callLines(result) },
        {
          unit: '',
          categories: [...partNames].reverse(),
          lines: [{ name: 'restarts', points: restarted, look: 'marks' }],
        },
      ]),
    ],
    // What is left of the heap after collections, and the resident memory of all that lives long.
    [
      'memory',
      draw([
        { unit: 'MiB after a collection', lines: heaps },
        { unit: 'MiB resident', lines: ofLongLived(rssPoints) },
      ]),
    ],
    ['files', draw([{ unit: 'open files', lines: ofLongLived(fdPoints) }])],
  ]);
}

function callLines({ calls, startedAt }: RollingResult): Line[] {
  const intervals = calls.intervals(startedAt, INTERVAL_MS);
  const pointsOf = (valueOf: (interval: (typeof intervals)[number]) => number): Line['points'] =>
    intervals.flatMap((interval, index) => {
      const point = [minutes(interval.atMs), rounded(valueOf(interval))] as const;
      // A quiet moment is a gap in the line.
      const isGap = interval.atMs - (intervals[index - 1]?.atMs ?? interval.atMs) > INTERVAL_MS;
      return isGap ? [[minutes(interval.atMs - INTERVAL_MS), null] as const, point] : [point];
    });
  return [
    { name: 'p50', points: pointsOf(({ p50 }) => p50) },
    { name: 'p99', points: pointsOf(({ p99 }) => p99) },
    { name: 'longest', points: pointsOf(({ max }) => max) },
    { name: 'calls/s (right)', points: pointsOf(({ perSecond }) => perSecond), look: 'dashed', isRight: true },
  ];
}

function thinned(points: readonly Point[]): (readonly [number, number])[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => index % every === 0).map(({ atMs, value }) => [minutes(atMs), rounded(value)]);
}

function minutes(ms: number): number {
  return rounded(ms / MINUTE_MS);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
