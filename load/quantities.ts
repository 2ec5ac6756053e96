import { UsageError } from './usage-error.js';

const milliseconds: Readonly<Record<string, number>> = {
  us: 0.001,
  µs: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
/** What timers can wait for, in milliseconds. */
export const LONGEST_MS = 2 ** 31 - 1;

/**
 * A duration with its unit, such as `250ms`, `1.5s`, `10m`, `1h`; 0 needs none.
 * @returns milliseconds
 * @throws UsageError naming the option
 */
export function parseDuration(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined || (unit === undefined && Number(number) !== 0)) {
    throw new UsageError(`${option} is "${text}", must be a duration with its unit, such as 250ms, 10s, 1.5m or 1h.`);
  }
  const duration = Number(number) * (milliseconds[unit ?? 'ms'] ?? 1);
  if (duration > LONGEST_MS) throw new UsageError(`${option} is "${text}", must be at most 24 days.`);
  return duration;
}

/** @throws UsageError naming the option */
export function parseCount(option: string, text: string, minimum: number, maximum: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= minimum && value <= maximum)) {
    throw new UsageError(`${option} is "${text}", must be a whole number from ${minimum} to ${maximum}.`);
  }
  return value;
}

/**
 * A rate such as `50/s`, `3000/m` or `50`, which is per second.
 * @returns per second
 * @throws UsageError naming the option
 */
export function parseRate(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text) ?? [];
  const rate = (Number(number) * 1_000) / (milliseconds[unit ?? 's'] ?? NaN);
  if (!(rate > 0 && rate <= 100_000)) {
    throw new UsageError(`${option} is "${text}", must be a rate above 0 and up to 100000/s, such as 50/s or 600/m.`);
  }
  return rate;
}

/** Milliseconds as people read them. */
export function formatDuration(duration: number): string {
  if (duration === 0) return '0';
  if (duration < 1) return `${(duration * 1_000).toFixed(0)} µs`;
  if (duration < 10) return `${duration.toFixed(2)} ms`;
  if (duration < 100) return `${duration.toFixed(1)} ms`;
  if (duration < 1_000) return `${duration.toFixed(0)} ms`;
  if (duration < 120_000) return `${Number((duration / 1_000).toFixed(duration < 10_000 ? 2 : 1))} s`;
  return `${Number((duration / 60_000).toFixed(1))} min`;
}

/** A share of a whole in percent, never 0 % for something that is there. */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  return percent < 0.01 ? '< 0.01 %' : `${percent.toFixed(percent < 10 ? 2 : 1)} %`;
}
