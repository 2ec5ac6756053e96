/** Cells in columns: the first ones to the left, the others to the right. @param leftColumns so many. @default 3 */
export function alignedLines(rows: readonly (readonly string[])[], leftColumns = 3): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < leftColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
