import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { projectRoot } from '../platform/process/project-root.js';
import { CutProxy, startNatsCluster, startNatsServer } from '../mesh/servers/index.js';
import { CALL_EVERY_MS, HandoverLoad } from './support/handover-load.js';
import { endProgress, printTable, showProgress } from './table.js';

/** How long to look on without a disturbance, and after each. */
const UNDISTURBED_MS = 2_000;
const AFTERWARDS_MS = 500;
/** Longer than the others need to take over. */
const KILLED_MS = 3_000;
const AWAY_MS = 4_000;
/** Until streams have other leaders: nodes stand for election after 4 to 9 s of silence. */
const NODE_AWAY_MS = 20_000;
const JUMPS_MS = [3_600_000, -3_600_000, 0];

/**
 * Three thread-command processes under a moderate load through the two that stay: the third one leaves (SIGTERM), joins
 * again, is killed (kill -9), paused, cut off from NATS, and its clock jumps, `count` times. The reference is the same load
 * in between, undisturbed. Then the same on three NATS nodes, of which one is killed.
 */
export async function benchHandover({ count = 5 }: { count: number | undefined }): Promise<void> {
  await benchProcesses(count);
  await benchNatsNodes(Math.min(count, 3));
  console.log(
    `  a gap is the time between two answers in a thread, which is called every ${CALL_EVERY_MS} ms; nobody repeats a call`,
  );
}

async function benchProcesses(count: number): Promise<void> {
  const nats = await startNatsServer();
  const network = await CutProxy.start(nats.port);
  const directory = await mkdtemp(join(tmpdir(), 'threadweaver-bench-'));
  const clockFile = join(directory, 'clock');
  const clockShift = join(projectRoot, 'dist/e2e/chaos/clock-shift.js');
  const canJump = existsSync(clockShift);
  const thirdEnv = {
    NATS_URL: `nats://127.0.0.1:${network.port}`,
    ...(canJump && { NODE_OPTIONS: `--import=${pathToFileURL(clockShift).href}`, CLOCK_SHIFT_FILE: clockFile }),
  };
  const load = new HandoverLoad({ NATS_URL: nats.url });
  try {
    const stay = [await load.start(), await load.start()];
    await load.begin(stay);
    let third = await load.start(thirdEnv);
    // Everything warms up.
    await delay(2 * UNDISTURBED_MS);
    for (let round = 1; round <= count; round += 1) {
      showProgress(`round ${round} of ${count}`);
      await load.look('undisturbed', () => delay(UNDISTURBED_MS));
      const leave = async (): Promise<void> => {
        third.service.kill('SIGTERM');
        await third.service.exited;
      };
      await load.look('while one leaves', leave, AFTERWARDS_MS);
      await load.look('while one joins', async () => (third = await load.start(thirdEnv)), AFTERWARDS_MS);
      await load.look('undisturbed', () => delay(UNDISTURBED_MS / 2));
      const pause = async (): Promise<void> => {
        third.service.kill('SIGSTOP');
        await delay(AWAY_MS);
        third.service.kill('SIGCONT');
      };
      await load.look('while one is paused', pause, 2 * AFTERWARDS_MS);
      const cut = async (): Promise<void> => {
        network.cut('silent');
        await delay(AWAY_MS);
        network.heal();
      };
      await load.look('while one is cut off', cut, 2 * AFTERWARDS_MS);
      for (const jumpMs of canJump ? JUMPS_MS : []) {
        await load.look(
          'while the clock of one jumps',
          async () => writeFileSync(clockFile, String(jumpMs)),
          AWAY_MS / 2,
        );
      }
      const kill = async (): Promise<void> => {
        third.service.kill('SIGKILL');
        await delay(KILLED_MS);
      };
      await load.look('while one is killed', kill, AFTERWARDS_MS);
      third = await load.start(thirdEnv);
      await delay(AFTERWARDS_MS);
    }
    await load.end();
    endProgress();
    printTable(load.rows);
  } finally {
    await load.stop();
    await network.close();
    await nats.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function benchNatsNodes(count: number): Promise<void> {
  const nats = await startNatsCluster();
  const load = new HandoverLoad({ NATS_URL: nats.url, NATS_REPLICAS: '3' });
  try {
    const all = [await load.start(), await load.start(), await load.start()];
    await load.begin(all);
    await delay(2 * UNDISTURBED_MS);
    for (let round = 0; round < count; round += 1) {
      showProgress(`round ${round + 1} of ${count}`);
      const node = nats.nodes[round % nats.nodes.length];
      await load.look('undisturbed', () => delay(UNDISTURBED_MS));
      await load.look('while a NATS node is killed', async () => node?.kill('SIGKILL'), NODE_AWAY_MS);
      await load.look('while it comes back', async () => node?.restart(), UNDISTURBED_MS);
    }
    await load.end();
    endProgress();
    printTable(load.rows);
  } finally {
    await load.stop();
    await nats.stop();
  }
}
