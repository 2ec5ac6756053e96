import { mersenne } from 'pure-rand/generator/mersenne';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { partitionOf } from '../../platform/ownership/partition.js';

/** Posts that come at random to threads of different popularity, on some owners. */
export interface QueueOptions {
  readonly seed: number;
  readonly postsPerSecond: number;
  /** What one owner does at most, in posts a second. */
  readonly capacity: number;
  /** What a post takes besides, without waiting: the journal's flush, the way there and back; in milliseconds. */
  readonly appendMs: number;
  /** So long one thread's next commit waits for the one before, at most `appendMs`. */
  readonly serialMs: number;
  readonly instances: number;
  readonly partitions: number;
  readonly threads: number;
  /** Exponent of Zipf's law: the k-th thread has a share of 1/k^s of the posts. 0 for all alike. */
  readonly skew: number;
  /** So many posts are simulated. @default 200000 */
  readonly posts?: number;
}

export interface QueueOutcome {
  /** Of the busiest owner and of all on average, as shares of their capacity. */
  readonly busiest: number;
  readonly average: number;
  /** Share of the posts that go to the most popular thread. */
  readonly hottestShare: number;
  /** Milliseconds from post to answer: of all, and of all but the most popular thread. */
  readonly p50: number;
  readonly p99: number;
  readonly othersP99: number;
}

/**
 * Posts arrive as a Poisson process; an owner works off its own one after another, each for a random time (exponential, of
 * the mean that its capacity says); then the commits of one thread are appended one after another, as in the bucketed
 * layout, those of different threads at the same time. The same seed gives the same outcome.
 */
export function simulateQueues(options: QueueOptions): QueueOutcome {
  const {
    seed,
    postsPerSecond,
    capacity,
    appendMs,
    serialMs,
    instances,
    partitions,
    threads,
    posts = 200_000,
  } = options;
  const generator = mersenne(seed);
  const uniform = (): number => uniformInt(generator, 1, 2 ** 31 - 1) / 2 ** 31;
  const exponential = (mean: number): number => -Math.log(uniform()) * mean;
  const shares = sharesOf(threads, options.skew);
  // As the members share partitions: contiguous runs of the same length, give or take one.
  const ownerOf = Array.from({ length: threads }, (_, thread) => {
    const id = `${thread.toString(32)}-${uniformInt(generator, 0, 2 ** 32 - 1).toString(32)}`;
    return Math.floor((partitionOf(id, partitions) * instances) / partitions);
  });
  const ownerFreeAt = new Float64Array(instances);
  const busyMs = new Float64Array(instances);
  const threadFreeAt = new Float64Array(threads);
  const all = new Float64Array(posts);
  const others: number[] = [];
  let now = 0;
  for (let post = 0; post < posts; post += 1) {
    now += exponential(1_000 / postsPerSecond);
    const thread = find(shares, uniform());
    const owner = ownerOf[thread] ?? 0;
    const workMs = exponential(1_000 / capacity);
    const decidedAt = Math.max(now, ownerFreeAt[owner] ?? 0) + workMs;
    const appendedAt = Math.max(decidedAt, threadFreeAt[thread] ?? 0) + serialMs;
    const answeredAt = appendedAt + appendMs - serialMs;
    ownerFreeAt[owner] = decidedAt;
    threadFreeAt[thread] = appendedAt;
    busyMs[owner] = (busyMs[owner] ?? 0) + workMs;
    all[post] = answeredAt - now;
    if (thread > 0) others.push(answeredAt - now);
  }
  all.sort();
  const sortedOthers = Float64Array.from(others).sort();
  return {
    busiest: Math.max(...busyMs) / now,
    average: postsPerSecond / (instances * capacity),
    hottestShare: shares[0] ?? 1,
    p50: at(all, 0.5),
    p99: at(all, 0.99),
    othersP99: at(sortedOthers, 0.99),
  };
}

/** Cumulated shares of the posts, by Zipf's law. */
function sharesOf(threads: number, skew: number): Float64Array {
  const cumulated = new Float64Array(threads);
  let sum = 0;
  for (let rank = 1; rank <= threads; rank += 1) cumulated[rank - 1] = sum += rank ** -skew;
  return cumulated.map((value) => value / sum);
}

/** The first whose cumulated share reaches `share`. */
function find(cumulated: Float64Array, share: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulated[middle] ?? 1) < share) low = middle + 1;
    else high = middle;
  }
  return low;
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
