import { LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** What is drawn in a panel. */
export interface Line {
  /** In the legend; lines of the same name in several panels have one entry. */
  readonly name: string;
  /** A point whose value is null is a gap. With `categories`, y is one of them. */
  readonly points: readonly (readonly [x: number, y: number | string | null])[];
  /** @default the next one of a palette */
  readonly color?: string;
  /** @default solid */
  readonly look?: 'solid' | 'dashed' | 'area' | 'marks';
  /** Belongs to the axis on the right. @default false */
  readonly isRight?: boolean;
}

/** A pair of axes and what is between them. */
export interface Panel {
  /** @default none */
  readonly title?: string;
  readonly unit: string;
  /** Of a second y-axis. @default no such axis */
  readonly rightUnit?: string;
  /** @default false */
  readonly isLog?: boolean;
  /** The y-axis has these places instead of numbers. */
  readonly categories?: readonly string[];
  readonly lines: readonly Line[];
}

export interface PanelsOptions {
  readonly width: number;
  /** Of a panel with its title and axes. */
  readonly height: number;
  /** Panels beside each other. @default 1 */
  readonly columns?: number;
  readonly xName: string;
  /** @default false */
  readonly isLogX?: boolean;
  /** @default where the points end */
  readonly xMax?: number;
  /** @default black on white */
  readonly colors?: { readonly text: string; readonly line: string; readonly page: string };
}

/** Room around a panel's grid. */
const MARGIN = { left: 64, right: 60, top: 64, bottom: 44 };

/** Distinct in light and in dark, and for the colour-blind: after Okabe and Ito. */
const palette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#8c6bb1', '#999999'];

/** Draws panels with one legend as an SVG that needs nothing else. */
export function drawPanels(panels: readonly Panel[], options: PanelsOptions): string {
  const { width, height, columns = 1, xName, isLogX = false, xMax } = options;
  const { text, line, page } = options.colors ?? { text: '#333333', line: '#dddddd', page: '#ffffff' };
  const rows = Math.ceil(panels.length / columns);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: rows * height });
  const label = { color: text, fontSize: 12 };
  // The same for all, so that panels below each other have the same times.
  const marginLeft = panels.some(({ categories }) => categories) ? 2 * MARGIN.left : MARGIN.left;
  const place = (index: number) => ({
    left: ((index % columns) * width) / columns + marginLeft,
    top: Math.floor(index / columns) * height + MARGIN.top,
  });
  const axis = { nameTextStyle: label, axisLabel: { ...label, hideOverlap: true } };
  const yAxes = panels.flatMap(({ unit, rightUnit, isLog = false, categories, lines }, gridIndex) => [
    {
      ...{
        ...axis,
        gridIndex,
        name: unit,
        axisLine: { show: false },
        splitLine: { show: true, lineStyle: { color: line } },
      },
      ...(categories
        ? { type: 'category', data: categories }
        : { type: isLog ? 'log' : 'value', min: isLog ? undefined : 0 }),
    },
    ...(lines.some(({ isRight }) => isRight)
      ? [
          {
            ...axis,
            gridIndex,
            name: rightUnit,
            type: 'value',
            min: 0,
            minInterval: 1,
            position: 'right',
            splitLine: { show: false },
          },
        ]
      : []),
  ]);
  let colored = 0;
  const colors = new Map<string, string>();
  const colorOf = (name: string): string => {
    if (!colors.has(name)) colors.set(name, palette[colored++ % palette.length] ?? '');
    return colors.get(name) ?? '';
  };
  chart.setOption({
    animation: false,
    backgroundColor: page,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    legend: { top: 0, left: 'center', textStyle: label, itemHeight: 4 },
    title: panels.map(({ title = '' }, index) => ({
      ...{ text: title, left: place(index).left, top: place(index).top - 42 },
      textStyle: { color: text, fontSize: 13, fontWeight: 'normal' },
    })),
    grid: panels.map((_, index) => ({
      ...place(index),
      width: width / columns - marginLeft - MARGIN.right,
      height: height - MARGIN.top - MARGIN.bottom,
    })),
    xAxis: panels.map((_, gridIndex) => ({
      ...{ ...axis, gridIndex, type: isLogX ? 'log' : 'value', max: xMax, splitLine: { show: false } },
      ...{ name: xName, nameLocation: 'middle', nameGap: 26, axisLine: { lineStyle: { color: line } } },
    })),
    yAxis: yAxes,
    series: panels.flatMap(({ lines }, index) =>
      lines.map(({ name, points, color = colorOf(name), look = 'solid', isRight = false }) => ({
        ...{ name, data: points, xAxisIndex: index, itemStyle: { color } },
        yAxisIndex: yAxes.findIndex(({ gridIndex }) => gridIndex === index) + (isRight ? 1 : 0),
        ...(look === 'marks'
          ? { type: 'scatter', symbol: 'rect', symbolSize: [6, 10] }
          : {
              type: 'line',
              showSymbol: points.length < 10,
              symbolSize: 4,
              lineStyle: { color, width: 1.75, type: look === 'dashed' ? 'dashed' : 'solid' },
            }),
        areaStyle: look === 'area' ? { color, opacity: 0.15 } : undefined,
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
