import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCommandLine } from '../load/command-line.js';
import type { LoadReport } from '../load/report/load-report.js';
import { protocols, type Protocol } from '../load/engine/load-options.js';
import { runLoad } from '../load/engine/run-load.js';
import { requestsOf, type ScenarioName } from '../load/scenarios/scenario-names.js';
import { projectRoot } from '../platform/process/project-root.js';
import { sharedMesh } from './testing/shared-mesh.js';

/** Runs the program as `npm run load` does. */
async function load(args: readonly string[], onLine: (text: string, pid: number) => void = () => undefined) {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/load/main.js'), ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
      onLine(output, child.pid ?? 0);
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

/** In this process. */
const run = (...args: string[]) => runLoad((readCommandLine(args) ?? assert.fail('help')).load);

describe('npm run load', function () {
  this.timeout(60_000);
  let url: string;
  let folder: string;

  before(async () => {
    ({ url } = await sharedMesh());
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-load-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('measures with several workers, reports, and fails on an unmet assertion', async () => {
    const few = [
      '--target',
      url,
      '--users',
      '5',
      '--ramp',
      '300ms',
      '--hold',
      '900ms',
      '--pause',
      '50ms',
      '--workers',
      '2',
    ];
    const { code, output } = await load([...few, '--report', folder, '--assert', 'errors<0.1%,p99<0.001ms']);
    assert.equal(code, 1, output);
    assert.match(output, /pass: errors<0\.1% \(0 %\)\nFAIL: p99<0\.001ms/);
    const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as LoadReport;
    const counts = Object.fromEntries(report.requests.map(({ name, count }) => [name, count]));
    assert.ok((counts.create ?? 0) >= 5 && (counts.get ?? 0) >= 5, output);
    assert.ok((counts.create ?? 0) >= (counts.get ?? 0));
    assert.deepEqual(report.total.count, (counts.create ?? 0) + (counts.get ?? 0));
    assert.equal(
      report.intervals.reduce((total, { count }) => total + count, 0),
      report.total.count,
    );
    const html = await readFile(join(folder, 'report.html'), 'utf8');
    assert.match(html, /<svg[^]*Throughput|Throughput[^]*<svg/);
    assert.doesNotMatch(html, /<script|src=|https?:\/\/(?!127\.0\.0\.1|www\.w3\.org)/, 'the page needs something else');
  });

  it('ends at SIGTERM with a report and an exit code that says so', async () => {
    const long = [
      '--target',
      url,
      '--users',
      '2',
      '--ramp',
      '0',
      '--hold',
      '10m',
      '--pause',
      '10ms',
      '--report',
      'none',
    ];
    let isAsked = false;
    const { code, output } = await load(long, (text, pid) => {
      // A second signal would end it at once.
      if (!isAsked && / [1-9]\d* requests, /.test(text)) isAsked = process.kill(pid, 'SIGTERM');
    });
    assert.equal(code, 143, output);
    assert.match(output, /create +\d+/);
  });

  const expected: Record<ScenarioName, readonly string[]> = {
    thread: ['create', 'get'],
    chat: ['create', 'join', 'post', 'read', 'watch'],
    hot: ['post-hot', 'post-quiet'],
    replay: ['post-cold', 'post-warm', 'read-cold'],
  };
  const plays = protocols.map((protocol) => ({ protocol, scenarios: Object.keys(expected) as ScenarioName[] }));
  for (const { protocol, scenarios } of plays) {
    it(`plays every scenario over ${protocol}, without a pause too`, async () => {
      const { requests, faults, total } = await play(protocol, scenarios);
      assert.deepEqual(faults, []);
      assert.deepEqual(total.errors, {});
      const named = new Map(requests.map(({ name, ok, failed }) => [name, { ok, failed }]));
      const known = scenarios.flatMap((scenario) => requestsOf[scenario]);
      for (const name of named.keys()) assert.ok(known.includes(name), `--assert would not know ${name}`);
      for (const name of scenarios.flatMap((scenario) => expected[scenario])) {
        assert.ok((named.get(name)?.ok ?? 0) > 0, `no ${name} among ${[...named.keys()].join(', ')}`);
        assert.equal(named.get(name)?.failed, 0, name);
      }
    });
  }

  function play(protocol: Protocol, names: readonly ScenarioName[]) {
    const shape = ['--room-size=2', '--quiet-threads=4', '--hot-share=50%', '--cold-threads=4', '--cold-messages=2'];
    const flow = ['--users=8', '--ramp=0', '--hold=800ms', '--pause=0', '--cool-down=100ms'];
    return run('--target', url, '--protocol', protocol, '--scenario', names.join(','), ...flow, ...shape);
  }

  it('counts what a mesh that is not there costs, and does not hammer it', async () => {
    const { total } = await run('--target=http://127.0.0.1:9', '--users=3', '--ramp=0', '--hold=300ms', '--pause=0');
    assert.ok(total.failed >= 3 && total.failed <= 15, `${total.failed} failed`);
    assert.deepEqual([total.ok, total.count], [0, total.failed]);
    assert.deepEqual(Object.keys(total.errors), ['connection: ECONNREFUSED']);
  });
});
