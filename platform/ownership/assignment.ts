/** Who serves each partition. The index in both lists is the partition's number. */
export interface Assignment {
  /** Ascending, each once. */
  readonly members: readonly string[];
  readonly primaries: readonly string[];
  /** Who is to take over when the primary is gone; `null` with a single member. */
  readonly standbys: readonly (string | null)[];
}

/**
 * Deals the partitions out to the members: primaries balanced within one, standbys spread, a standby never the primary.
 * From the same members, in whatever order, and the same previous assignment comes the same result. Of the previous
 * one as much stays as balance allows; what a member leaves behind goes to its standbys first.
 *
 * @param members at least one
 * @param previous of the same number of partitions. @default none
 */
export function assignPartitions(members: readonly string[], partitions: number, previous?: Assignment): Assignment {
  const sorted = [...new Set(members)].sort();
  if (sorted.length === 0) throw new RangeError('an assignment needs a member');
  const primaries = choosePrimaries(sorted, partitions, previous);
  return { members: sorted, primaries, standbys: chooseStandbys(sorted, primaries, previous) };
}

/** How many partitions have another primary. */
export function countMoves(before: Assignment, after: Assignment): number {
  return after.primaries.filter((primary, partition) => primary !== before.primaries[partition]).length;
}

function choosePrimaries(members: readonly string[], partitions: number, previous: Assignment | undefined): string[] {
  const held = new Map<string, number[]>(members.map((member) => [member, []]));
  const open: number[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    (held.get(previous?.primaries[partition] ?? '') ?? open).push(partition);
  }
  // Of the quotas the larger ones go to those who hold the most, so that the fewest have to move.
  const larger = partitions % members.length;
  const room = new Map<string, number>();
  for (const [index, [member, list]] of [...held].sort(([, a], [, b]) => b.length - a.length).entries()) {
    const quota = Math.floor(partitions / members.length) + (index < larger ? 1 : 0);
    open.push(...list.splice(quota));
    room.set(member, quota - list.length);
  }
  const owners = new Array<string>(partitions);
  for (const [member, list] of held) for (const partition of list) owners[partition] = member;

  const give = (partition: number, member: string): void => {
    owners[partition] = member;
    room.set(member, (room.get(member) ?? 0) - 1);
  };
  const isLeft = (partition: number): boolean => {
    const standby = previous?.standbys[partition] ?? '';
    if ((room.get(standby) ?? 0) <= 0) return true;
    give(partition, standby);
    return false;
  };
  for (const partition of open.sort((a, b) => a - b).filter(isLeft)) {
    give(
      partition,
      leastOf(members, (member) => -(room.get(member) ?? 0)),
    );
  }
  return owners;
}

function chooseStandbys(
  members: readonly string[],
  primaries: readonly string[],
  previous: Assignment | undefined,
): (string | null)[] {
  if (members.length === 1) return primaries.map(() => null);
  /** For each pair of primary and standby, how many partitions have it: a primary's are to go to many when it fails. */
  const pairs = new Map<string, number>();
  const largest = Math.ceil(primaries.length / members.length / (members.length - 1));
  const pairOf = (primary: string, standby: string): string => JSON.stringify([primary, standby]);
  const countOf = (primary: string, standby: string): number => pairs.get(pairOf(primary, standby)) ?? 0;
  const give = (primary: string, standby: string): string => {
    pairs.set(pairOf(primary, standby), countOf(primary, standby) + 1);
    return standby;
  };
  const kept = primaries.map((primary, partition) => {
    const standby = previous?.standbys[partition];
    if (!standby || standby === primary || !members.includes(standby)) return null;
    return countOf(primary, standby) < largest ? give(primary, standby) : null;
  });
  return kept.map((standby, partition) => {
    const primary = primaries[partition];
    if (standby !== null || primary === undefined) return standby;
    const others = members.filter((member) => member !== primary);
    return give(
      primary,
      leastOf(others, (member) => countOf(primary, member)),
    );
  });
}

/** The first member with the lowest weight. */
function leastOf(members: readonly string[], weightOf: (member: string) => number): string {
  return members.reduce((least, member) => (weightOf(member) < weightOf(least) ? member : least));
}
