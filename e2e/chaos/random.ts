import { SeededRandom as Choices } from '../../load/engine/seeded-random.js';

/** Random choices that follow from a seed alone. */
export class SeededRandom extends Choices {
  /** Up to `count` different ones, in any order. */
  some<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    return Array.from({ length: Math.min(count, rest.length) }, () =>
      rest.splice(this.integer(0, rest.length - 1), 1),
    ).flat();
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let rest = this.integer(
      1,
      entries.reduce((sum, [, weight]) => sum + weight, 0),
    );
    for (const [name, weight] of entries) {
      rest -= weight;
      if (rest <= 0) return name;
    }
    throw new Error('no weights');
  }
}
