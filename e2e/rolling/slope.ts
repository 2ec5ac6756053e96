/** A value at a time. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/**
 * The slope of a line through the points, per hour: the median of the slopes between all pairs, which a third of wild
 * values does not bend (Theil–Sen estimator; Sen, JASA 63 (1968), 1379).
 * @returns 0 for less than two different times
 */
export function slopePerHour(points: readonly Point[]): number {
  const slopes: number[] = [];
  points.forEach((one, index) => {
    for (const other of points.slice(index + 1)) {
      if (other.atMs !== one.atMs) slopes.push((other.value - one.value) / (other.atMs - one.atMs));
    }
  });
  return median(slopes) * 3_600_000;
}

/** The last two thirds of the time that the points span: before that, caches fill and code is compiled. */
export function lastTwoThirds(points: readonly Point[]): Point[] {
  const times = points.map(({ atMs }) => atMs);
  const from = Math.min(...times) + (Math.max(...times) - Math.min(...times)) / 3;
  return points.filter(({ atMs }) => atMs >= from);
}

/** The middle value; 0 of none. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((one, other) => one - other),
    0.5,
  );
}

/** @param sorted in ascending order @param share from 0 to 1 @returns 0 of none */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
