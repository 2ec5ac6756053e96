import type { LoadInterval } from '../engine/load-result.js';
import { drawPanels, type Panel } from './draw-panels.js';
import type { LoadReport } from './load-report.js';

/** Colours that stand for the page's own, so that plots follow light and dark. */
const themed = {
  text: '#010101',
  line: '#020202',
  ok: '#030303',
  failed: '#040404',
  users: '#050505',
  p50: '#060606',
  p95: '#070707',
  p99: '#080808',
  max: '#090909',
};

/** A plot: its title and an inline SVG whose colours are the page's CSS variables. */
export interface Plot {
  readonly title: string;
  readonly about: string;
  readonly svg: string;
}

/** The plots of a report, over the time of the run. */
export function plotsOf({ intervals, intervalMs, requests }: LoadReport): Plot[] {
  const over = (valueOf: (interval: LoadInterval) => number | undefined) =>
    intervals.map((interval) => [interval.atMs / 1_000, valueOf(interval) ?? null] as const);
  const rate = (countOf: (interval: LoadInterval) => number) =>
    over((interval) => Math.round((countOf(interval) * 10_000) / intervalMs) / 10);
  const latency = (name: 'max' | 'p99' | 'p95' | 'p50') => ({
    ...{ name, color: themed[name] },
    points: over(({ count, latency: found }) => (count === 0 ? undefined : found[name])),
  });
  const kinds = [...new Set(intervals.flatMap(({ errors }) => Object.keys(errors)))];
  const throughput: Panel = {
    unit: 'requests/s',
    rightUnit: 'users',
    lines: [
      { name: 'ok', points: rate(({ count, failed }) => count - failed), color: themed.ok, look: 'area' },
      { name: 'failed', points: rate(({ failed }) => failed), color: themed.failed },
      { name: 'users', points: over(({ users }) => users), color: themed.users, look: 'dashed', isRight: true },
    ],
  };
  const p99s = requests.map(({ name }) => ({ name, points: over(({ byName }) => byName[name]?.p99) }));
  const errors = kinds.map((name) => ({ name, points: rate((interval) => interval.errors[name] ?? 0) }));
  return [
    plot(
      'Throughput and users',
      'Requests that ended well and badly, per second; users at the same time (right).',
      throughput,
    ),
    plot('Latency', 'Percentiles of all requests of each interval, on a logarithmic scale.', {
      ...{ unit: 'ms', isLog: true },
      lines: (['max', 'p99', 'p95', 'p50'] as const).map(latency),
    }),
    ...(requests.length > 1
      ? [
          plot('p99 by request', 'The 99th percentile of each interval, on a logarithmic scale.', {
            unit: 'ms',
            isLog: true,
            lines: p99s,
          }),
        ]
      : []),
    ...(kinds.length > 0
      ? [plot('Errors', 'Failed requests per second, by what went wrong.', { unit: 'errors/s', lines: errors })]
      : []),
  ];
}

function plot(title: string, about: string, panel: Panel): Plot {
  const colors = { text: themed.text, line: themed.line, page: 'transparent' };
  const svg = drawPanels([panel], { width: 1_080, height: 320, xName: 'seconds', colors });
  return {
    ...{ title, about },
    svg: Object.entries(themed).reduce((text, [name, color]) => text.replaceAll(color, `var(--${name})`), svg),
  };
}
