import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';

/** Random choices that follow from a seed alone. */
export class SeededRandom {
  readonly #generator;

  /** @param seed a 32-bit integer */
  constructor(seed: number) {
    this.#generator = mersenne(seed);
  }

  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return uniformInt(this.#generator, from, to);
  }

  /** True in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.integer(0, 9_999) < percent * 100;
  }

  /** @throws Error when there is nothing to choose from */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to choose from');
    return items[this.integer(0, items.length - 1)] as T;
  }
}
