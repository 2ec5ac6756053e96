import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../mesh/servers/free-ports.js';
import { startMySqlServer, startNatsServer } from '../../mesh/servers/start-server.js';
import type { Report } from '../verify-mesh/report.js';
import type { Builder, Image } from './builder.js';
import { type Running, startIn, type Variables } from './start-image.js';

/** Starts what the images say, as the user that they name, with and without NATS and MySQL, and asks their HEALTHCHECK. */
export async function checkRunning(builder: Builder, images: readonly Image[], report: Report): Promise<void> {
  const roots = new Map<string, string>();
  for (const image of images) roots.set(image.service, await builder.mount(image));
  const nats = await startNatsServer();
  const mySql = await startMySqlServer();
  try {
    const nowhere = await freePort();
    const backends = { NATS_URL: nats.url, MYSQL_URL: mySql.url };
    const none = {
      NATS_URL: `nats://127.0.0.1:${nowhere}`,
      MYSQL_URL: `mysql://root@127.0.0.1:${nowhere}/threadweaver`,
    };
    const start = (image: Image, variables: Variables, command?: readonly string[]) =>
      startIn(roots.get(image.service) ?? '', image, variables, command);
    const projector = images.find(({ service }) => service === 'thread-projector');
    if (projector === undefined) throw new Error('there is no image of thread-projector');
    const migration = start(projector, backends, ['dist/services/admin.js', 'thread', 'projection', 'migrate']);
    report.check('the migrations run from an image', (await migration.exited) === 0, await migration.output);
    for (const image of images) {
      for (const [what, urls, healthy] of [
        ['without NATS and MySQL', none, false],
        ['with them', backends, true],
      ] as const) {
        const variables = { ...urls, GRPC_PORT: String(await freePort()) };
        const running = start(image, variables);
        try {
          const [code, said] = await askHealth(
            () => start(image, variables, image.config.Healthcheck?.Test.slice(2)),
            healthy,
          );
          report.check(
            `${image.service} ${what}: HEALTHCHECK says ${healthy ? 'healthy' : 'unhealthy'} (${said || 'OK'})`,
            (code === '0') === healthy && running.child.exitCode === null,
            `${code} ${said}`,
          );
          const uids = /^Uid:\s+(.*)$/m.exec(await readFile(`/proc/${running.child.pid}/status`, 'utf8'))?.[1];
          if (healthy)
            report.check(`${image.service}: is user ${uids?.split(/\s/)[0]}`, !uids?.split(/\s/).includes('0'), uids);
          const asked = Date.now();
          running.child.kill('SIGTERM');
          const exit = await Promise.race([running.exited, sleep(30_000, 'no end within 30 s')]);
          report.check(
            `${image.service} ${what}: SIGTERM ends it with 0 after ${Date.now() - asked} ms`,
            exit === 0,
            String(exit),
          );
        } finally {
          running.child.kill('SIGKILL');
          await running.exited;
        }
      }
    }
  } finally {
    await nats.stop();
    await mySql.stop();
  }
}

/** Asks until the answer is as wanted, half a minute at most; unhealthy has to be said six times in a row. */
async function askHealth(probe: () => Running, healthy: boolean): Promise<readonly [code: string, said: string]> {
  let answer: readonly [string, string] = ['nothing', ''];
  for (let asked = 0; asked < (healthy ? 60 : 6); asked += 1) {
    const { exited, output } = probe();
    answer = [String(await exited), (await output).trim()];
    if (answer[0] === '0') break;
    await sleep(500);
  }
  return answer;
}
