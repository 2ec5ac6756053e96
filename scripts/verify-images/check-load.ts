import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Report } from '../verify-mesh/report.js';
import type { Builder, Image } from './builder.js';
import { startIn } from './start-image.js';

/** Where the Job has its volume for the report; here a folder that is there. */
const SCRATCH = '/tmp';

/** Has the load generator's image load something that answers as threads do, and write its report. */
export async function checkLoad(builder: Builder, image: Image, report: Report): Promise<void> {
  const root = await builder.mount(image);
  const edge = await startThreads();
  const target = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
  const start = (...options: string[]) => {
    const command = ['dist/load/main.js', `--target=${target}`, `--report=${SCRATCH}/report`, ...options];
    return startIn(root, image, {}, command, SCRATCH);
  };
  try {
    const short = start('--users=4', '--workers=2', '--ramp=0', '--hold=1s', '--pause=50ms', '--assert=errors<1');
    const code = await short.exited;
    const output = await short.output;
    const isWhole = code === 0 && output.includes(`report: ${SCRATCH}/report/report.html`);
    report.check('load: two workers load REST, the report is written, the assertion holds: 0', isWhole, output);

    const long = start('--users=1', '--workers=1', '--ramp=0', '--hold=1h', '--pause=50ms');
    await once(edge, 'request');
    const uids = /^Uid:\s+(.*)$/m.exec(await readFile(`/proc/${long.child.pid}/status`, 'utf8'))?.[1];
    report.check(`load: is user ${uids?.split(/\s/)[0]}`, !uids?.split(/\s/).includes('0'), uids);
    long.child.kill('SIGTERM');
    const [ended, said] = [await long.exited, await long.output];
    report.check('load: SIGTERM ends it with 143 and a report', ended === 143 && said.includes('report: '), said);

    const wrong = start('--users=none');
    report.check('load: what cannot be meant ends with 2', (await wrong.exited) === 2, await wrong.output);
  } finally {
    edge.close();
  }
}

/** As much of the older API as the scenario `thread` asks for. */
async function startThreads(): Promise<Server> {
  const server = createServer((request, response) => {
    const [, id] = /^\/v1\/threads\/(\w+)\?/.exec(request.url ?? '') ?? [];
    const body = id === undefined ? { threadId: 'A1', error_messages: [] } : { result: { id } };
    request.resume().once('end', () => response.end(JSON.stringify(body)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}
