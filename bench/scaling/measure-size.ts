import { median } from '../support/rounds.js';
import { BenchInstallation, type BenchInstallationOptions } from './bench-installation.js';
import { residentMib } from './footprint.js';
import type { MeasuredSize } from './measured.js';
import { Poster, type PostRound } from './post-load.js';
import { measureReadModel, type BenchMySql } from './read-model.js';
import type { BenchThread } from './thread-history.js';

/** Each round posts to so many threads, whatever their number in all. */
const ACTIVE = 100;
const ROUNDS = 3;
const ROUND_MS = 1_000;
/** One thread takes 5,000 messages, of all rounds together. */
const MOST_POSTS_OF_ONE = 1_100;
/** So many threads are posted to that are not in memory. */
const COLD = 2_000;

/** An installation of 100 threads that runs beside all others, and takes its turn with each. */
export class Reference {
  private constructor(
    private readonly installation: BenchInstallation,
    private readonly poster: Poster,
  ) {}

  static async start(commits: number): Promise<Reference> {
    const installation = await BenchInstallation.fill({ layout: 'bucketed', threads: ACTIVE, commits });
    const service = await installation.start('thread/command/main.ts');
    const reference = new Reference(installation, new Poster(service.address));
    await reference.round();
    return reference;
  }

  round(): Promise<PostRound> {
    return this.poster.round(this.installation.threads, { forMs: ROUND_MS });
  }

  async close(): Promise<void> {
    await this.poster.close();
    await this.installation.close();
  }
}

/** Fills an installation, measures it in turns with the reference, and removes it. */
export async function measureSize(
  options: BenchInstallationOptions,
  reference: Reference,
  mySql: BenchMySql,
  progress: (doing: string) => void,
): Promise<MeasuredSize> {
  progress('filling the journal');
  const onProgress = (done: number): void => progress(`${done} of ${options.threads * options.commits} commits`);
  const installation = await BenchInstallation.fill({ ...options, onProgress });
  try {
    const natsDiskBytes = await installation.diskBytes();
    // First, while all of the same kind is in the journal.
    const readModel = await measureReadModel(installation, mySql, progress);
    await installation.stopServices();
    progress('a load');
    const load = await measureLoad(installation, reference);
    progress('a takeover');
    const takeoverMs = await measureTakeover(installation);
    await installation.stopServices();
    // Two minutes after the fill, at the larger sizes: the server has forgotten the ids of its messages.
    progress('a restart of nats-server');
    const natsRestartMs = await installation.restartNats();
    const { layout, threads, commits } = options;
    const { filledPerSecond } = installation;
    const natsMib = residentMib(installation.natsPid);
    return {
      ...{ layout, threads, commits, filledPerSecond, natsRestartMs, natsMib, natsDiskBytes },
      ...load,
      takeoverMs,
      ...readModel,
    };
  } finally {
    await installation.close();
  }
}

async function measureLoad(installation: BenchInstallation, reference: Reference) {
  const { threads } = installation;
  const command = await installation.start('thread/command/main.ts');
  const commandIdleMib = residentMib(command.pid);
  const poster = new Poster(command.address);
  try {
    const active = threads.slice(0, ACTIVE);
    const forMs = ROUND_MS;
    const order = active.length === 1 ? { forMs, atMost: MOST_POSTS_OF_ONE } : { forMs };
    await poster.round(active, { ...order, forMs: ROUND_MS / 2 });
    const coldThreads = threads.slice(ACTIVE, ACTIVE + COLD);
    const cold =
      coldThreads.length < ACTIVE ? undefined : await poster.round(coldThreads, { atMost: coldThreads.length });
    const rounds: { own: PostRound; other: PostRound }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.push({ other: await reference.round(), own: await poster.round(active, order) });
    }
    return {
      commandStartMs: command.startMs,
      commandIdleMib,
      commandMib: residentMib(command.pid),
      postsPerSecond: median(rounds.map(({ own }) => own.perSecond)),
      postP99Ms: median(rounds.map(({ own }) => own.p99)),
      postsOfReference: median(rounds.map(({ own, other }) => own.perSecond / other.perSecond)),
      postP99OfReference: median(rounds.map(({ own, other }) => own.p99 / other.p99)),
      ...(cold && { coldPostsPerSecond: cold.perSecond, coldP99Ms: cold.p99 }),
    };
  } finally {
    await poster.close();
  }
}

/** Kills one of two owners, and posts to threads of both at the one that stays. */
async function measureTakeover(installation: BenchInstallation): Promise<number> {
  const { threads } = installation;
  await installation.stopServices();
  // One of two dies.
  const first = await installation.start('thread/command/main.ts');
  const second = await installation.start('thread/command/main.ts');
  const poster = new Poster(second.address);
  try {
    const some: BenchThread[] = threads.slice(0, ACTIVE);
    await Promise.all(some.map((thread) => poster.post(thread)));
    const startedAt = performance.now();
    await first.kill('SIGKILL');
    await Promise.all(some.map((thread) => poster.post(thread)));
    return performance.now() - startedAt;
  } finally {
    await poster.close();
  }
}
