import { longLivedParts, restartedParts, type PartName } from './rolling-mesh.js';

/** All of everything, once: first what then lives to the end, so that it is warm when it is first looked at. */
export const firstRound: readonly PartName[] = [...longLivedParts, ...restartedParts];

/** What comes after the first round, for ever: an endless rolling update. */
export function* laterRounds(): Generator<PartName, never> {
  for (;;) yield* restartedParts;
}

/** A third of the time is for the first round; a restart every 20 s suffices even for a long run. */
export function restartEveryMs(durationMs: number): number {
  return Math.min(20_000, durationMs / 3 / firstRound.length);
}
