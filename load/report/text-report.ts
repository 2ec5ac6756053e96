import { formatDuration, formatShare } from '../quantities.js';
import type { RequestSummary } from '../engine/load-result.js';
import { generatorCells, generatorWarnings } from './generator-report.js';
import type { LoadReport } from './load-report.js';

/** The columns of the table, here and in HTML. */
export const tableHead = [
  'request',
  'count',
  'ok/s',
  'errors',
  'min',
  'mean',
  'p50',
  'p90',
  'p95',
  'p99',
  'p99.9',
  'max',
];

/** A row of the table. */
export function tableRow({ name, isDelivery, count, failed, ok, perSecond, latency }: RequestSummary): string[] {
  const { min, mean, p50, p90, p95, p99, p999, max } = latency;
  return [
    isDelivery ? `${name} (delivered)` : name,
    String(count),
    perSecond.toFixed(1),
    failed === 0 ? '0' : `${failed} (${formatShare(failed, ok + failed)})`,
    ...[min, mean, p50, p90, p95, p99, p999, max].map(formatDuration),
  ];
}

/** What a run ends with on a terminal. */
export function textReport(report: LoadReport): string {
  const { requests, total, generator, assertions, faults } = report;
  const rows = [tableHead, ...requests.map(tableRow), ...(requests.length > 1 ? [tableRow(total)] : [])];
  const widths = tableHead.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const costs = generatorCells(generator).map((cell) => cell.join(' '));
  lines.push('', `generator: ${costs.join(', ')}`);
  for (const warning of generatorWarnings(generator)) lines.push(`warning: ${warning}`);
  if (total.retries > 0) lines.push(`retries: ${total.retries}`);
  for (const { name, errors } of requests) {
    for (const [kind, count] of Object.entries(errors)) lines.push(`error: ${name}: ${kind}: ${count}`);
  }
  for (const fault of faults) lines.push(`fault: ${fault}`);
  if (report.isInterrupted) lines.push(`interrupted after ${formatDuration(report.durationMs)}: a part of the run`);
  for (const { text, isMet, actual } of assertions) lines.push(`${isMet ? 'pass' : 'FAIL'}: ${text} (${actual})`);
  return lines.join('\n');
}
