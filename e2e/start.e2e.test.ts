import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { portSettings } from '../mesh/local/mesh-settings.js';
import { resetData } from '../mesh/local/reset-data.js';
import { freePort } from '../mesh/servers/free-ports.js';
import { projectRoot } from '../platform/process/project-root.js';
import { waitUntilHealthy } from '../mesh/servers/wait-until-healthy.js';

const ACCOUNT_ID = '01DB5QXD4NP0XQTV92K42B3XBF';

/** `npm start` or `npm run dev`, as a person types it. */
interface StartedCommand {
  readonly npm: ChildProcess;
  readonly output: string[];
}

describe('npm start', function () {
  this.timeout(120_000);
  let env: NodeJS.ProcessEnv;
  let url: string;
  let command: StartedCommand | undefined;

  before(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-start-'));
    env = { ...process.env, DATA_DIR: dataDir };
    for (const { variable } of Object.values(portSettings)) env[variable] = String(await freePort());
    // The whole of it, also when the other tests use servers from elsewhere.
    for (const variable of ['NATS_URL', 'MYSQL_URL', 'LOG']) env[variable] = '';
    url = `http://127.0.0.1:${env.ENVOY_PORT}`;
  });

  after(async () => {
    if (command !== undefined && command.npm.exitCode === null) await stop(command, 'SIGTERM');
    if (env.DATA_DIR === undefined) return;
    // Nothing that a mesh makes is strange to --reset.
    assert.equal(await resetData(env.DATA_DIR, true), 'EMPTIED');
    await rm(env.DATA_DIR, { recursive: true, force: true });
  });

  /** Runs it until it prints the last of the commands to try. */
  async function start(...args: string[]): Promise<StartedCommand> {
    const npm = spawn('npm', args, { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    const ready = new Promise<void>((resolve, reject) => {
      for (const stream of [npm.stdout, npm.stderr]) {
        createInterface(stream).on('line', (line) => {
          output.push(line);
          if (line.includes('grpcurl -plaintext')) resolve();
        });
      }
      npm.once('exit', (code) => reject(new Error(`npm ${args.join(' ')} ended with ${code}:\n${output.join('\n')}`)));
    });
    await ready;
    return { npm, output };
  }

  async function stop({ npm }: StartedCommand, signal: NodeJS.Signals): Promise<number | null> {
    const exit = once(npm, 'exit');
    npm.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  }

  async function getThread(threadId: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${url}/v1/threads/${threadId}?account_id=${ACCOUNT_ID}`);
    assert.equal(response.status, 200);
    return ((await response.json()) as { result: Record<string, unknown> }).result;
  }

  it('serves, drains at SIGTERM with exit code 0, and finds its state again', async () => {
    command = await start('start');
    const response = await fetch(`${url}/v1/threads/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        accountId: ACCOUNT_ID,
        title: 'string',
        remarks: 'string',
        administratorIds: [ACCOUNT_ID],
        memberIds: [ACCOUNT_ID],
        createAt: 10000,
      }),
    });
    assert.equal(response.status, 200, await response.clone().text());
    const { threadId } = (await response.json()) as { threadId: string };
    await waitUntilHealthy('the created thread', async () => void (await getThread(threadId)), { timeoutMs: 10_000 });
    const before = await getThread(threadId);
    assert.equal(before.title, 'string');

    assert.equal(await stop(command, 'SIGTERM'), 0, command.output.join('\n'));
    await assert.rejects(fetch(url));

    command = await start('start');
    assert.deepEqual(await getThread(threadId), before);
    assert.equal(await stop(command, 'SIGINT'), 0, command.output.join('\n'));
  });

  it('starts again just what has changed, as npm run dev, and drains at SIGTERM', async () => {
    command = await start('run', 'dev');
    /** Processes that have listened since then. */
    const listeners = async (service: string): Promise<unknown[]> => {
      const log = await readFile(join(env.DATA_DIR ?? '', 'logs', `${service}.log`), 'utf8');
      const lines = log.split('\n').filter((line) => line.startsWith('{') && line.includes('"listening"'));
      return lines.map((line) => (JSON.parse(line) as { pid: number }).pid);
    };
    const before = { query: await listeners('thread-query'), command: await listeners('thread-command') };
    // What the compiler writes when somebody has saved a file.
    const now = new Date();
    await utimes(join(projectRoot, 'dist/services/thread/query/main.js'), now, now);
    await waitUntilHealthy('a new thread-query', async () => {
      assert.equal(new Set(await listeners('thread-query')).size, new Set(before.query).size + 1);
    });
    await waitUntilHealthy('an answer', async () => {
      const response = await fetch(`${url}/v1/threads/${ACCOUNT_ID}?account_id=${ACCOUNT_ID}`);
      assert.ok(response.status < 500, `${response.status}`);
    });
    assert.deepEqual(await listeners('thread-command'), before.command);
    assert.equal(await stop(command, 'SIGTERM'), 0, command.output.join('\n'));
    await assert.rejects(fetch(url));
  });

  it('names a port in use and the variable that changes it', async () => {
    const busy = { ...env, ENVOY_PORT: env.NATS_PORT };
    const npm = spawn('npm', ['start'], { cwd: projectRoot, env: busy, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    npm.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    const [code] = (await once(npm, 'close')) as [number];
    assert.equal(code, 1);
    assert.match(errors, new RegExp(`port ${env.NATS_PORT} is also wanted for nats-server \\(NATS_PORT\\)`));
    assert.match(errors, /Set ENVOY_PORT to another port/);
  });
});
