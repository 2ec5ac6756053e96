import type { MeshProcessName } from '../../mesh/local/index.js';
import type { CutKind } from '../../mesh/servers/index.js';
import { SeededRandom } from './random.js';

/** One thing that goes wrong, or changes. Durations are in milliseconds. */
export type Fault =
  /** SIGKILL; the supervisor starts it again. */
  | { readonly kind: 'kill'; readonly victim: MeshProcessName }
  /** SIGTERM: it leaves in good order, and the supervisor starts it again. */
  | { readonly kind: 'terminate'; readonly victim: MeshProcessName }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { readonly kind: 'pause'; readonly victim: MeshProcessName; readonly forMs: number }
  | { readonly kind: 'cut'; readonly victim: CuttableName; readonly forMs: number; readonly how: CutKind }
  /** A further thread-command joins, and leaves in good order after `forMs`. */
  | { readonly kind: 'join'; readonly forMs: number }
  /** A nats-server's disk has no room for `forMs`. */
  | { readonly kind: 'fillDisk'; readonly victim: NatsName; readonly forMs: number }
  /** A process's wall clock jumps by `byMs`, and back after `forMs`. */
  | { readonly kind: 'jumpClock'; readonly victim: ServiceProcessName; readonly byMs: number; readonly forMs: number };

/** A fault and when it comes, in milliseconds from the start. */
export interface ScheduledFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** The processes that use NATS, and can be cut off from it. */
export const cuttable = [
  'thread-command',
  'thread-command-2',
  'thread-command-3',
  'thread-projector',
  'thread-projector-2',
] as const satisfies readonly MeshProcessName[];
export type CuttableName = (typeof cuttable)[number];

/** The processes that decide commands. */
export const owners = cuttable.slice(0, 3);
export const services = [...cuttable, 'thread-query', 'thread-query-2'] as const;
export type ServiceProcessName = (typeof services)[number];

export type NatsName = Extract<MeshProcessName, `nats${string}`>;

/** The nats-servers of a mesh. */
export function natsNames(nodes: 1 | 3): readonly NatsName[] {
  return nodes === 1 ? ['nats'] : ['nats-1', 'nats-2', 'nats-3'];
}

const weights = {
  killOwner: 5,
  killService: 2,
  killServer: 3,
  terminate: 4,
  pause: 6,
  cut: 7,
  join: 2,
  fillDisk: 1,
  jumpClock: 3,
};

export interface ScheduleOptions {
  /** @default 1 */
  readonly natsNodes?: 1 | 3 | undefined;
  /** Kinds that are left out. @default none */
  readonly without?: readonly ('fillDisk' | 'jumpClock')[] | undefined;
}

/** Before this, everything is left alone, so that each client has begun. */
const FIRST_MS = 2_000;
const [SHORTEST_GAP_MS, LONGEST_GAP_MS] = [300, 4_500];
const [SHORTEST_MS, LONGEST_MS] = [500, 6_000];
/** How far clocks jump, forward or back. */
const [SHORTEST_JUMP_MS, LONGEST_JUMP_MS] = [5_000, 600_000];

/**
 * What goes wrong in a run, and when: the same for the same seed and duration. Faults may overlap, also on one process.
 * @param durationMs no fault begins later than this
 */
export function scheduleOf(seed: number, durationMs: number, options: ScheduleOptions = {}): ScheduledFault[] {
  const random = new SeededRandom(seed);
  const schedule: ScheduledFault[] = [];
  let atMs = FIRST_MS;
  // The further instance joins again only after it has left.
  let joinedUntilMs = 0;
  while (atMs <= durationMs) {
    const fault = faultOf(random, atMs > joinedUntilMs, options);
    if (fault.kind === 'join') joinedUntilMs = atMs + fault.forMs + LONGEST_MS;
    schedule.push({ atMs, fault });
    atMs += random.integer(SHORTEST_GAP_MS, LONGEST_GAP_MS);
  }
  return schedule;
}

function faultOf(random: SeededRandom, mayJoin: boolean, { natsNodes = 1, without = [] }: ScheduleOptions): Fault {
  const forMs = random.integer(SHORTEST_MS, LONGEST_MS);
  const nats = natsNames(natsNodes);
  const none = Object.fromEntries([...without, ...(mayJoin ? [] : ['join'])].map((kind) => [kind, 0]));
  switch (random.weighted({ ...weights, ...none })) {
    case 'killOwner':
      return { kind: 'kill', victim: random.pick(owners) };
    case 'killService':
      return { kind: 'kill', victim: random.pick(services) };
    case 'killServer':
      return { kind: 'kill', victim: random.pick([random.pick(nats), 'mysql', 'envoy'] as const) };
    case 'terminate':
      return { kind: 'terminate', victim: random.pick(services) };
    case 'pause':
      return { kind: 'pause', victim: random.pick([...services, ...owners, random.pick(nats)]), forMs };
    case 'cut':
      return { kind: 'cut', victim: random.pick([...cuttable, ...owners]), forMs, how: cutKindOf(random) };
    case 'join':
      return { kind: 'join', forMs: forMs + 4_000 };
    case 'fillDisk':
      return { kind: 'fillDisk', victim: random.pick(nats), forMs };
    case 'jumpClock': {
      const byMs = random.integer(SHORTEST_JUMP_MS, LONGEST_JUMP_MS) * (random.chance(50) ? 1 : -1);
      return { kind: 'jumpClock', victim: random.pick([...services, ...owners]), byMs, forMs };
    }
  }
}

/** Silence is the harder case: nobody is told. */
function cutKindOf(random: SeededRandom): CutKind {
  return random.chance(75) ? 'silent' : 'reset';
}

/** A fault in a few words. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill -9 ${fault.victim}`;
    case 'terminate':
      return `SIGTERM ${fault.victim}`;
    case 'pause':
      return `SIGSTOP ${fault.victim} for ${fault.forMs} ms`;
    case 'cut':
      return `cut ${fault.victim} off from NATS for ${fault.forMs} ms (${fault.how})`;
    case 'join':
      return `a further thread-command joins, and leaves after ${fault.forMs} ms`;
    case 'fillDisk':
      return `no room on the disk of ${fault.victim} for ${fault.forMs} ms`;
    case 'jumpClock':
      return `the clock of ${fault.victim} jumps by ${(fault.byMs / 1_000).toFixed(0)} s, and back after ${fault.forMs} ms`;
  }
}
