import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** Three digits: a value is off by 0.1 % at most. */
const DIGITS = 3;
const LONGEST_MICROSECONDS = 3_600_000_000;
const BITS = 32;

/**
 * How long things took: an HDR histogram (http://hdrhistogram.org) of microseconds from 1 µs to an hour. All have the same
 * buckets, so adding one to another loses nothing.
 */
export class Latencies {
  readonly #histogram: Histogram;

  constructor(histogram = newHistogram()) {
    this.#histogram = histogram;
  }

  record(milliseconds: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(milliseconds * 1_000), 1), LONGEST_MICROSECONDS));
  }

  add(other: Latencies): void {
    this.#histogram.add(other.#histogram);
  }

  reset(): void {
    this.#histogram.reset();
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @param percent 50 is the median. @returns milliseconds, 0 when nothing was recorded */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percent) / 1_000;
  }

  /** Milliseconds, 0 when nothing was recorded. */
  get min(): number {
    return this.count === 0 ? 0 : this.#histogram.minNonZeroValue / 1_000;
  }

  /** Milliseconds, 0 when nothing was recorded. */
  get max(): number {
    return this.#histogram.maxValue / 1_000;
  }

  /** Milliseconds, 0 when nothing was recorded. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#histogram.mean / 1_000;
  }

  /** HdrHistogram's own V2 form, compressed, base64. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram, 1);
  }

  static decode(encoded: string): Latencies {
    return new Latencies(decodeFromCompressedBase64(encoded, BITS, false, LONGEST_MICROSECONDS));
  }
}

function newHistogram(): Histogram {
  return build({
    bitBucketSize: BITS,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_MICROSECONDS,
    numberOfSignificantValueDigits: DIGITS,
  });
}
