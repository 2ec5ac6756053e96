import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { doneWithin } from '../process/done-within.js';

export type { Counter, Histogram };

/** A metric's value at a scrape, or values by the value of its one label; undefined leaves it out of this scrape. */
export type Reading = number | Readonly<Record<string, number>> | undefined;

export interface SampledGauge {
  readonly name: string;
  readonly help: string;
  /** Undefined when nothing is known, which leaves the gauge out. */
  readonly valueOf: (sample: Readonly<Record<string, number>>) => number | undefined;
}

/** A sample that is older is taken anew at the next scrape, in milliseconds. */
const SAMPLE_VALID_MS = 5_000;
/** So long a scrape waits for a sample, in milliseconds; one that comes later is for the next scrape. */
const SAMPLE_WAIT_MS = 1_000;
/** A sample that could not be renewed for so long says nothing any more, in milliseconds. */
const SAMPLE_OUTDATED_MS = 60_000;

/**
 * A process's metrics, by Prometheus's conventions. Most are read from what there is only when somebody scrapes, so
 * that they cost nothing otherwise.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];

  /** What its text is, for HTTP. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus's text format. @throws Error when one cannot be read */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Adds those of Node and of the process: CPU, memory, event loop lag, open files. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: this.#registers });
  }

  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ name, help, buckets, labelNames, registers: this.#registers });
  }

  /** A gauge that is read at each scrape. */
  gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name,
      help,
      registers: this.#registers,
      collect() {
        // Without a value it must not stand there as 0.
        this.remove();
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });
  }

  /** A counter that somebody else keeps, and that is read at each scrape. */
  counterOf(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: this.#registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /**
   * Gauges for which a server has to be asked: once every 5 s at most, and a scrape does not wait for the answer for
   * longer than 1 s. While there is none they keep their last values for a minute, and are left out then.
   */
  sampled(gauges: readonly SampledGauge[], sample: () => Promise<Readonly<Record<string, number>>>): void {
    const sampler = new Sampler(sample);
    for (const { name, help, valueOf } of gauges) {
      new Gauge({
        name,
        help,
        registers: this.#registers,
        async collect() {
          const latest = await sampler.latest();
          const value = latest && valueOf(latest);
          this.remove();
          if (value !== undefined) this.set(value);
        },
      });
    }
  }
}

class Sampler {
  #latest: Readonly<Record<string, number>> | undefined;
  #takenAt = -Infinity;
  #triedAt = -Infinity;
  #sampling: Promise<void> | undefined;

  constructor(private readonly sample: () => Promise<Readonly<Record<string, number>>>) {}

  async latest(): Promise<Readonly<Record<string, number>> | undefined> {
    if (performance.now() - this.#triedAt > SAMPLE_VALID_MS) this.#sampling ??= this.#take();
    if (this.#sampling !== undefined) await doneWithin(SAMPLE_WAIT_MS, this.#sampling);
    return performance.now() - this.#takenAt > SAMPLE_OUTDATED_MS ? undefined : this.#latest;
  }

  async #take(): Promise<void> {
    try {
      this.#latest = await this.sample();
      this.#takenAt = performance.now();
    } catch {
      // That a server is away, other metrics say.
    } finally {
      this.#triedAt = performance.now();
      this.#sampling = undefined;
    }
  }
}
