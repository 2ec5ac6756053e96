import { checkGrpcHealth } from '../../mesh/local/grpc-health.js';
import { waitUntilHealthy } from '../../mesh/servers/index.js';
import { startBenchProcess, type BenchProcess } from '../support/processes.js';

/** A service as production starts it: compiled, in a process of its own. */
export interface BenchService extends BenchProcess {
  /** From its start until it was SERVING. */
  readonly startMs: number;
  /** How long after its start it logged a line with that `msg`, which may be still to come; milliseconds. */
  loggedAfterMs(msg: string): Promise<number>;
}

/**
 * Starts it on a free port and waits until it is SERVING.
 * @param main below `services`, such as `thread/command/main.ts`
 */
export async function startService(main: string, env: Readonly<Record<string, string>>): Promise<BenchService> {
  const startedAt = Date.now();
  const service = await startBenchProcess(`services/${main}`, { env });
  await waitUntilHealthy(main, () => checkGrpcHealth(service.address));
  return {
    ...service,
    startMs: Date.now() - startedAt,
    async loggedAfterMs(msg) {
      let line: string | undefined;
      await waitUntilHealthy(
        main,
        async () => {
          line = service
            .log()
            .split('\n')
            .find((text) => text.includes(`"msg":${JSON.stringify(msg)}`));
          if (line === undefined) throw new Error(`it has not logged "${msg}"`);
        },
        { timeoutMs: LOGGED_WITHIN_MS },
      );
      return Date.parse((JSON.parse(line ?? '{}') as { time: string }).time) - startedAt;
    },
  };
}

/** What a comparison of the largest journal may take. */
const LOGGED_WITHIN_MS = 600_000;
