import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { LoadInterval } from '../engine/load-result.js';
import type { LoadReport } from './load-report.js';

use([BarChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

const WIDTH = 1_080;
const HEIGHT = 300;
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
/** Distinct in light and in dark, and for the colour-blind: after Okabe and Ito. */
const palette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#8c6bb1', '#999999'];

/** A plot: its title and an inline SVG whose colours are the page's CSS variables. */
export interface Plot {
  readonly title: string;
  readonly about: string;
  readonly svg: string;
}

interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  readonly color: string;
  readonly area?: boolean;
  readonly bars?: boolean;
  readonly dashed?: boolean;
  readonly isOnSecondAxis?: boolean;
}

/** The plots of a report, over the time of the run. */
export function plotsOf({ intervals, intervalMs, requests }: LoadReport): Plot[] {
  const rate = (count: number): number => Math.round((count * 10_000) / intervalMs) / 10;
  const latency = (pick: (interval: LoadInterval) => number) =>
    intervals.map((interval) => (interval.count === 0 ? undefined : pick(interval)));
  const times = intervals.map(({ atMs }) => atMs / 1_000);
  const plots: Plot[] = [
    {
      title: 'Throughput and users',
      about: 'Requests that ended well and badly, per second; users at the same time (right).',
      svg: draw(times, { left: 'requests/s', right: 'users' }, [
        {
          name: 'ok',
          values: intervals.map(({ count, failed }) => rate(count - failed)),
          color: themed.ok,
          area: true,
        },
        { name: 'failed', values: intervals.map(({ failed }) => rate(failed)), color: themed.failed },
        {
          name: 'users',
          values: intervals.map(({ users }) => users),
          color: themed.users,
          dashed: true,
          isOnSecondAxis: true,
        },
      ]),
    },
    {
      title: 'Latency',
      about: 'Percentiles of all requests of each interval, on a logarithmic scale.',
      svg: draw(times, { left: 'ms', isLogarithmic: true }, [
        { name: 'max', values: latency((each) => each.latency.max), color: themed.max },
        { name: 'p99', values: latency((each) => each.latency.p99), color: themed.p99 },
        { name: 'p95', values: latency((each) => each.latency.p95), color: themed.p95 },
        { name: 'p50', values: latency((each) => each.latency.p50), color: themed.p50 },
      ]),
    },
  ];
  if (requests.length > 1) {
    plots.push({
      title: 'p99 by request',
      about: 'The 99th percentile of each interval, on a logarithmic scale.',
      svg: draw(
        times,
        { left: 'ms', isLogarithmic: true },
        requests.map(({ name }, index) => ({
          name,
          values: intervals.map(({ byName }) => byName[name]?.p99),
          color: palette[index % palette.length] ?? '',
        })),
      ),
    });
  }
  const kinds = [...new Set(intervals.flatMap(({ errors }) => Object.keys(errors)))];
  if (kinds.length > 0) {
    plots.push({
      title: 'Errors',
      about: 'Failed requests per second, by what went wrong.',
      svg: draw(
        times,
        { left: 'errors/s' },
        kinds.map((kind, index) => ({
          name: kind,
          values: intervals.map(({ errors }) => rate(errors[kind] ?? 0)),
          color: palette[(index + 4) % palette.length] ?? '',
          bars: true,
        })),
      ),
    });
  }
  return plots;
}

function draw(
  times: readonly number[],
  axes: { readonly left: string; readonly right?: string; readonly isLogarithmic?: boolean },
  series: readonly Series[],
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const label = { color: themed.text, fontSize: 12 };
  const valueAxis = (name: string, isFirst: boolean) => ({
    type: isFirst && axes.isLogarithmic ? ('log' as const) : ('value' as const),
    name,
    nameTextStyle: label,
    axisLabel: label,
    axisLine: { show: false },
    splitLine: { show: isFirst, lineStyle: { color: themed.line } },
    minInterval: isFirst ? undefined : 1,
  });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    legend: { top: 0, left: 'center', textStyle: label, icon: 'roundRect', itemHeight: 4 },
    grid: { left: 64, right: 60, top: 40, bottom: 44 },
    xAxis: {
      type: 'category',
      data: times.map(clock),
      boundaryGap: series.some(({ bars }) => bars),
      name: 'seconds',
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: label,
      axisLabel: { ...label, hideOverlap: true },
      axisLine: { lineStyle: { color: themed.line } },
      axisTick: { show: false },
    },
    yAxis: [valueAxis(axes.left, true), ...(axes.right === undefined ? [] : [valueAxis(axes.right, false)])],
    series: series.map(({ name, values, color, area, bars, dashed, isOnSecondAxis }) => ({
      name,
      type: bars ? ('bar' as const) : ('line' as const),
      stack: bars ? 'all' : undefined,
      data: values.map((value) => value ?? '-'),
      yAxisIndex: isOnSecondAxis ? 1 : 0,
      showSymbol: values.length < 3,
      itemStyle: { color },
      lineStyle: { color, width: 1.75, type: dashed ? ('dashed' as const) : ('solid' as const) },
      areaStyle: area ? { color, opacity: 0.15 } : undefined,
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return Object.entries(themed).reduce((text, [name, color]) => text.replaceAll(color, `var(--${name})`), svg);
}

function clock(seconds: number): string {
  return String(Math.round(seconds));
}
