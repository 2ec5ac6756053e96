import { longLivedParts } from './rolling-mesh.js';
import { QUIET_MS, type RollingResult } from './run-rolling.js';
import { heapPoints, longLivedServices, rssPoints } from './sampler.js';
import { totalFds } from './process-sample.js';
import { judgeCount, judgeFlat, judgeHeaps, judgeNone, limits, type Judgement } from './verdict.js';

/** nats-server keeps subjects and blocks of what is stored: it may grow with the data. */
const growsWithData = new Set(['nats-3']);

/** Everything that a run must show, and whether it did. */
export function judgeRun(result: RollingResult): Judgement[] {
  const { calls, violations, watches, trouble, sampler, quietAtMs, fds, heaps } = result;
  const [from, to] = quietAtMs;
  const within = <T extends { readonly atMs: number }>(points: readonly T[]): T[] =>
    // Before the last look there is a while without calls.
    points.filter(({ atMs }) => atMs > from && atMs < to - QUIET_MS);
  const ofServices = longLivedServices.flatMap((name) => [
    judgeFlat(`${name}: heap and buffers after a collection`, within(heapPoints(sampler.heaps.get(name) ?? [], 0)), {
      ...{ mibPerHour: limits.heapMibPerHour, noiseMib: limits.heapNoiseMib },
    }),
    judgeHeaps(`${name}: heap snapshots`, heaps.get(name)?.growths ?? []),
  ]);
  const ofServers = longLivedParts
    .filter((name) => !longLivedServices.includes(name) && !growsWithData.has(name))
    .map((name) =>
      judgeFlat(`${name}: resident memory`, within(rssPoints(sampler.samples.get(name) ?? [], 0)), {
        ...{ mibPerHour: limits.rssMibPerHour, noiseMib: limits.rssNoiseMib },
      }),
    );
  const ofFiles = longLivedParts.map((name) => {
    const [before, after] = fds.map((moment) => moment.get(name));
    const count = (sample: typeof before): number => (sample === undefined ? NaN : totalFds(sample));
    return judgeCount(`${name}: open files`, count(before), count(after), limits.fds);
  });
  return [
    judgeNone('calls without a good answer within their deadline of 10 s', calls.failures.length),
    judgeNone('promises broken (journal and MySQL against what clients were told)', violations.length),
    judgeNone('commits that a watcher missed or saw twice', watches.violations.length),
    judgeNone('restarts that failed', trouble === undefined ? 0 : 1),
    ...ofServices,
    ...ofServers,
    ...ofFiles,
  ];
}
