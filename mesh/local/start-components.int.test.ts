import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, isPortFree } from '../servers/free-ports.js';
import { projectRoot } from '../../platform/process/project-root.js';
import { waitUntilHealthy } from '../servers/wait-until-healthy.js';
import type { Component, TaskComponent } from './component.js';
import { childComponent } from './fixtures/child-component.js';
import { identify } from './process-identity.js';
import { type RunningComponents, startComponents } from './start-components.js';

describe('startComponents', () => {
  let dataDir: string;
  let lines: string[];
  let running: RunningComponents | undefined;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-components-'));
    lines = [];
  });

  afterEach(async () => {
    await running?.stop();
    running = undefined;
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (components: readonly Component[], settings = {}) => {
    const report = (name: string, line: string) => lines.push(`${name}: ${line}`);
    running = await startComponents(components, { dataDir, report, showLog: report, ...settings });
    return running;
  };
  const fates = () => lines.map((line) => line.replace(/ in \d.*/, ''));
  const log = (name: string) => readFile(join(dataDir, 'logs', `${name}.log`), 'utf8');

  it('starts in the order of dependencies, and drains in the reverse order', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const task: TaskComponent = {
      kind: 'task',
      name: 'migrate',
      dependsOn: ['first'],
      command: () => ({ command: '/bin/echo', args: ['migrated'] }),
    };
    await start([childComponent('last', two, { dependsOn: ['migrate'] }), task, childComponent('first', one)]);
    assert.equal(running?.state, 'RUNNING');
    await running.stop();
    assert.equal(running.state, 'STOPPED');
    assert.deepEqual(fates(), ['first: ready', 'migrate: done', 'last: ready', 'last: stopped', 'first: stopped']);
    assert.match(await log('last'), /listening.*\n.*drained/);
    assert.equal(await log('migrate'), 'migrated\n');
    assert.ok((await isPortFree(one)) && (await isPortFree(two)));
  });

  it('restarts a killed child at once, and waitHealthy awaits it', async () => {
    const { processes } = await start([childComponent('child', await freePort())]);
    const child = processes.get('child');
    assert.ok(child);
    const { pid } = child;
    await child.kill('SIGKILL');
    assert.notEqual(child.state, 'RUNNING');
    await child.waitHealthy();
    assert.notEqual(child.pid, pid);
    assert.equal(child.restarts, 1);
    assert.ok(lines.includes('child: ended with SIGKILL; restarting now'), lines.join('\n'));
  });

  it('waits longer each time when a child keeps dying, says why, and goes on until it lives', async () => {
    let starts = 0;
    const flags = () => {
      starts += 1;
      return starts > 1 && starts <= 4 ? ['--fail'] : [];
    };
    const { processes } = await start([childComponent('child', await freePort(), { flags })], {
      backoff: { firstDelayMs: 40 },
    });
    const child = processes.get('child');
    await child?.kill('SIGUSR2');
    await waitUntilHealthy('child', async () => assert.equal(child?.restarts, 4));
    await child?.waitHealthy();
    const deaths = lines.filter((line) => line.includes('ended with'));
    assert.match(deaths[0] ?? '', /ended with 7; restarting now\n.*crashed on purpose/s);
    const delays = deaths.slice(1).map((line) => Number(/ended with 3; restarting in ([\d.]+) s\n/.exec(line)?.[1]));
    const within = (seconds: number | undefined, low: number, high: number) => seconds! >= low && seconds! <= high;
    assert.equal(delays.length, 3);
    assert.ok(within(delays[0], 0.02, 0.04) && within(delays[1], 0.04, 0.08) && within(delays[2], 0.08, 0.16));
  });

  it('stops a child that waits for its next restart', async () => {
    let starts = 0;
    const flags = () => ((starts += 1) === 1 ? [] : ['--fail']);
    const { processes } = await start([childComponent('child', await freePort(), { flags })], {
      backoff: { firstDelayMs: 60_000, longestDelayMs: 60_000 },
    });
    const child = processes.get('child');
    await child?.kill('SIGUSR2');
    await waitUntilHealthy('child', async () => assert.equal(child?.restarts, 2));
    await running?.stop();
    assert.equal(child?.state, 'STOPPED');
  });

  it('kills a child that does not end, and one that is paused', async () => {
    const stubborn = childComponent('stubborn', await freePort(), {
      flags: () => ['--ignore-sigterm'],
      stopTimeoutMs: 200,
    });
    const { processes } = await start([stubborn, childComponent('paused', await freePort())]);
    await processes.get('paused')?.kill('SIGSTOP');
    await running?.stop();
    assert.ok(lines.includes('stubborn: did not end within 0.2 s, killed'));
    assert.match(await log('paused'), /drained/);
  });

  it('leaves nothing running when a component does not come up, and shows its last words', async () => {
    const port = await freePort();
    const broken = childComponent('broken', await freePort(), { flags: () => ['--fail'], dependsOn: ['good'] });
    await assert.rejects(
      start([childComponent('good', port), broken]),
      /broken ended with 3\n.*no such table[^]*its log/,
    );
    assert.ok(await isPortFree(port));
    assert.equal(lines.at(-1), 'good: stopped');
  });

  it('names a port in use, who wants it and the variable, before it starts anything', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const expected = `port ${port} is in use; busy wants it. Set BUSY_PORT to another port.`;
    await assert.rejects(start([childComponent('free', await freePort()), childComponent('busy', port)]), {
      message: expected,
    });
    holder.close();
    assert.deepEqual(lines, []);
  });

  it('names a port that two components want', async () => {
    const port = await freePort();
    const expected = `port ${port} is also wanted for one (ONE_PORT); two wants it. Set TWO_PORT to another port.`;
    await assert.rejects(start([childComponent('one', port), childComponent('two', port)]), { message: expected });
  });

  it('stops in the middle of starting when it is told to', async () => {
    const stop = new AbortController();
    const never: TaskComponent = {
      kind: 'task',
      name: 'never',
      dependsOn: ['child'],
      command: () => {
        setImmediate(() => stop.abort(new Error('told to')));
        return { command: '/bin/sleep', args: ['60'] };
      },
    };
    const port = await freePort();
    await assert.rejects(start([childComponent('child', port), never], { signal: stop.signal }));
    assert.ok(await isPortFree(port));
  });

  describe('with a supervisor in a process of its own', () => {
    let supervisor: ChildProcess;
    let childPid: number;
    let port: number;

    beforeEach(async () => {
      port = await freePort();
      const script = join(projectRoot, 'mesh', 'local', 'fixtures', 'supervisor.ts');
      supervisor = spawn(process.execPath, ['--import', 'tsx', script, dataDir, String(port)], {
        cwd: projectRoot,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(createInterface(supervisor.stdout!), 'line')) as [string];
      childPid = (JSON.parse(line) as { child: number }).child;
    });

    afterEach(() => supervisor.kill('SIGKILL'));

    const childIsGone = () =>
      waitUntilHealthy('the end of the child', async () => assert.equal(identify(childPid), undefined));

    it('drains at SIGTERM and exits 0', async () => {
      supervisor.kill('SIGTERM');
      const [code] = (await once(supervisor, 'exit')) as [number];
      assert.equal(code, 0);
      assert.equal(identify(childPid), undefined);
      assert.match(await log('child'), /drained/);
    });

    it('refuses a second supervisor on the same folder', async () => {
      await assert.rejects(start([]), new RegExp(`another mesh \\(pid ${supervisor.pid}\\) already runs on`));
    });

    it('takes its children along when it is killed', async function () {
      if (process.platform !== 'linux') this.skip();
      supervisor.kill('SIGKILL');
      await childIsGone();
    });
  });

  it('kills what an earlier supervisor left behind', async () => {
    const leftover = spawn('/bin/sleep', ['60'], { stdio: 'ignore' });
    const dead = spawn('/bin/true');
    await once(dead, 'exit');
    const note = {
      supervisor: { pid: dead.pid, startTime: '1' },
      children: [
        { name: 'leftover', ...identify(leftover.pid!) },
        { name: 'not-ours-any-more', pid: process.pid, startTime: '1' },
      ],
    };
    await writeFile(join(dataDir, 'mesh.json'), JSON.stringify(note));
    const ended = once(leftover, 'exit');
    await start([]);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(lines, ['mesh: killing what an earlier run left behind: leftover']);
  });
});
