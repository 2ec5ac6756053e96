import type { LoadOptions, WeightedScenario } from './load-options.js';

/** Which of a run's workers this is. */
export interface WorkerSeat {
  readonly workerIndex: number;
  readonly workerCount: number;
}

/**
 * Closed model: when each of this worker's users comes, in milliseconds since the start. All users of the run come evenly over the ramp.
 */
export function userArrivals(
  { users, rampMs }: Pick<LoadOptions, 'users' | 'rampMs'>,
  { workerIndex, workerCount }: WorkerSeat,
): number[] {
  const arrivals: number[] = [];
  for (let user = workerIndex; user < users; user += workerCount) arrivals.push((rampMs * user) / users);
  return arrivals;
}

/**
 * Open model: when this worker's iteration number `index` is meant to begin, in milliseconds since the start. The rate rises evenly from 0
 * over the ramp and then stays, so n(t) = r·t²/2R within it.
 */
export function iterationArrival(
  { rate = 0, rampMs }: Pick<LoadOptions, 'rate' | 'rampMs'>,
  { workerIndex, workerCount }: WorkerSeat,
  index: number,
): number {
  const nth = index * workerCount + workerIndex;
  const ratePerMs = rate / 1_000;
  const inRamp = (ratePerMs * rampMs) / 2;
  return nth < inRamp ? Math.sqrt((2 * nth * rampMs) / ratePerMs) : rampMs + (nth - inRamp) / ratePerMs;
}

/**
 * Deals scenarios by weight, evenly mixed: smooth weighted round robin (as nginx does it).
 * @param skip so many are dealt to others
 */
export function scenarioDealer(scenarios: readonly WeightedScenario[], skip = 0): () => WeightedScenario {
  const credits = scenarios.map(() => 0);
  const total = scenarios.reduce((sum, { weight }) => sum + weight, 0);
  const deal = (): WeightedScenario => {
    let best = 0;
    for (const [index, { weight }] of scenarios.entries()) {
      credits[index] = (credits[index] ?? 0) + weight;
      if ((credits[index] ?? 0) > (credits[best] ?? 0)) best = index;
    }
    credits[best] = (credits[best] ?? 0) - total;
    return scenarios[best] as WeightedScenario;
  };
  for (let dealt = 0; dealt < skip; dealt += 1) deal();
  return deal;
}
