/** What a client does in one round. Everything of it travels over IPC, so all is plain data. */
export interface RoundOrder {
  /** So many operations. */
  readonly count: number;
  /** So many at once: as soon as one is answered, the next one is sent. */
  readonly inFlight: number;
}

/** What came of it. */
export interface RoundReport {
  /** Operations that were answered as they should. */
  readonly count: number;
  /** Those that were not, and the first one's reason. */
  readonly failed: number;
  readonly firstError?: string | undefined;
  readonly elapsedMs: number;
  /** Of answered operations, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** What else a load wants to tell. */
  readonly extra?: Readonly<Record<string, number>>;
}

/** A client in the driver's process. */
export interface Load {
  round(order: RoundOrder): Promise<RoundReport>;
  close(): void | Promise<void>;
}

/** What a module in bench/loads exports as `open`. Its options are plain data. */
export type OpenLoad = (options: never) => Promise<Load>;

/**
 * Works off `count` operations, `inFlight` at once, each lane one after another (a closed loop).
 * @param work one operation; `turn` counts within the lane. What it throws counts as failed.
 */
export async function closedLoop(
  { count, inFlight }: RoundOrder,
  work: (lane: number, turn: number) => Promise<unknown>,
): Promise<RoundReport> {
  const samples = new Float64Array(count);
  let begun = 0;
  let answered = 0;
  let failed = 0;
  let firstError: string | undefined;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async (_, lane) => {
      for (let turn = 0; begun < count; turn += 1) {
        begun += 1;
        const sentAt = performance.now();
        try {
          await work(lane, turn);
          samples[answered++] = performance.now() - sentAt;
        } catch (error) {
          failed += 1;
          firstError ??= error instanceof Error ? error.message : String(error);
        }
      }
    }),
  );
  const elapsedMs = performance.now() - startedAt;
  return { count: answered, failed, firstError, elapsedMs, ...percentiles(samples.subarray(0, answered)) };
}

/** Sorts in place. */
export function percentiles(samples: Float64Array): { p50: number; p99: number; max: number } {
  samples.sort();
  const at = (share: number): number => samples[Math.min(samples.length - 1, Math.floor(share * samples.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
