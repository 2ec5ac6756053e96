import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { waitUntilHealthy } from '../../mesh/servers/index.js';
import { compareHeaps, readHeapCensus } from './heap-snapshot.js';
import { ProbeClient } from './probe-client.js';
import { sampleProcess, totalFds } from './process-sample.js';
import { judgeCount, judgeHeaps } from './verdict.js';

/** At each line on stdin it does some work, and keeps what it made only if it is told so. */
const worker = `
  class Session { constructor(id) { this.id = id; this.notes = [id]; } }
  const kept = [];
  const { openSync, closeSync } = await import('node:fs');
  const serve = () => {
    const sessions = Array.from({ length: 50_000 }, (_, id) => new Session(id));
    const files = Array.from({ length: 20 }, () => openSync('/dev/null'));
    if (process.argv[1] === 'leak') kept.push(sessions);
    else for (const file of files) closeSync(file);
    process.stdout.write('done');
  };
  process.stdin.on('data', serve);
`;

describe('a process looked into from outside', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'probe-'));
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Lets the worker work once to warm up, and again between two looks. */
  async function lookAt(mode: 'leak' | 'well') {
    const socket = join(folder, mode);
    const module = join(projectRoot, 'e2e/rolling/probe.ts');
    const env = { ...process.env, ...ProbeClient.environment(socket, module) };
    const args = ['--import', 'tsx', '--input-type=module', '--eval', worker, mode];
    // tsx first: the probe is not compiled here.
    const child = spawn(process.execPath, args, {
      env: { ...env, NODE_OPTIONS: `--import=tsx ${env.NODE_OPTIONS}` },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const probe = new ProbeClient(socket);
    const work = async (): Promise<void> => {
      child.stdin?.write('now\n');
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    };
    const look = async (name: string) => {
      const file = join(folder, `${mode}-${name}.heapsnapshot`);
      await probe.snapshot(file);
      const sample = sampleProcess(child.pid ?? 0);
      assert.ok(sample);
      return { census: readHeapCensus(file), fds: totalFds(sample), heap: (await probe.memory()).heapUsed };
    };
    await waitUntilHealthy(mode, async () => void (await probe.memory()));
    await work();
    const before = await look('first');
    await work();
    return { before, after: await look('last') };
  }

  it('is found when it keeps objects and files, and what it keeps is named', async () => {
    const { before, after } = await lookAt('leak');
    const growths = compareHeaps(before.census, after.census);
    assert.equal(growths.find(({ constructorName }) => constructorName === 'Session')?.count, 50_000);
    assert.equal(judgeHeaps('', growths).isGood, false);
    assert.ok(after.heap - before.heap > 1_000_000, `${before.heap} → ${after.heap}`);
    assert.equal(judgeCount('', before.fds, after.fds, 12).isGood, false);
  });

  it('passes when it keeps nothing', async () => {
    const { before, after } = await lookAt('well');
    const growths = compareHeaps(before.census, after.census);
    assert.ok((growths.find(({ constructorName }) => constructorName === 'Session')?.count ?? 0) <= 0);
    assert.equal(judgeHeaps('', growths).isGood, true);
    assert.equal(judgeCount('', before.fds, after.fds, 12).isGood, true);
  });
});
