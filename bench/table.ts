/** Milliseconds, or whatever unit was measured, as min, p50, p99 and max. */
export function summarize(samples: readonly number[]): Record<'min' | 'p50' | 'p99' | 'max', number> {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { min: at(0), p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Prints rows of equal keys as an aligned table; numbers with at most two decimals. */
export function printTable(rows: readonly Readonly<Record<string, string | number>>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((column) => format(row[column])))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  for (const row of cells) {
    console.log(
      `  ${row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  ')}`,
    );
  }
}

/** Prints what was measured one at a time, in milliseconds, beside the median of a reference. */
export function printBeside(reference: readonly number[], rows: Readonly<Record<string, readonly number[]>>): void {
  const { p50 } = summarize(reference);
  printTable(
    Object.entries(rows).map(([what, samples]) => {
      const summary = summarize(samples);
      return { 'ms, one at a time': what, ...summary, 'p50 / reference': summary.p50 / p50 };
    }),
  );
}

/** One line that is written over again, for a terminal; nothing elsewhere. */
export function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  ${text}`);
}

export function endProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

function format(cell: string | number | undefined): string {
  if (typeof cell !== 'number') return cell ?? '';
  return Number.isInteger(cell) ? String(cell) : cell.toFixed(2);
}
