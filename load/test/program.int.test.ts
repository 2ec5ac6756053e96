import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { resultOf } from '../../platform/testing/command-process.js';
import type { LoadReport } from '../report/load-report.js';
import { ObjectStore } from './object-store.js';
import { type Reply, type ScriptedEdge, startScriptedEdge } from './scripted-edge.js';

// Compiled, as `npm run load` runs it.
const main = join(projectRoot, 'dist/load/main.js');
const keys = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'of-nobody' };
const variables = { AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_REGION: 'eu-central-1' };

describe('The program that loads', function () {
  this.timeout(60_000);
  let folder: string;
  let edge: ScriptedEdge;
  let reply: (attempt: number) => Reply;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-load-'));
    edge = await startScriptedEdge('rest', (attempt) => reply(attempt));
  });
  after(async () => {
    edge.close();
    await rm(folder, { recursive: true });
  });

  const start = (...options: string[]) =>
    spawn(process.execPath, [main, '--target', edge.url, '--users=2', '--ramp=0', ...options], {
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const reportIn = async (name: string): Promise<LoadReport> =>
    JSON.parse(await readFile(join(folder, name, 'report.json'), 'utf8')) as LoadReport;

  it('counts an overload by its kind, ends, and lets the assertions decide', async () => {
    reply = (attempt) => (attempt % 2 === 0 ? 'exhausted' : 'ok');
    const short = ['--hold=1s', '--pause=20ms'];
    const other = await startScriptedEdge('rest', reply);
    const results = await Promise.all(
      [
        start(...short, '--assert=errors<10%', '--report', join(folder, 'strict')),
        start(...short, '--assert=errors<90%,create.errors>0', '--report=none', '--target', other.url),
      ].map(resultOf),
    );
    other.close();
    const said = results.map(({ stdout, stderr }) => stdout + stderr);
    assert.deepEqual(
      results.map(({ code }) => code),
      [1, 0],
      said.join('\n'),
    );
    assert.match(said[0] ?? '', /^error: create: HTTP 429: \d+$[^]*^FAIL: errors<10% \(\d+\.?\d* %\)$/m);
    assert.match(said[1] ?? '', /^pass: errors<90%/m);
    const { total, requests } = await reportIn('strict');
    assert.deepEqual(total.errors, { 'HTTP 429': total.failed });
    assert.ok(total.failed > 0 && total.ok > 0);
    assert.equal(requests.find(({ name }) => name === 'get')?.failed, 0);
  });

  it('writes at SIGINT what there is, says that it is a part, and ends with 130', async () => {
    let served = (): void => undefined;
    const isLoading = new Promise<void>((resolve) => (served = resolve));
    reply = (attempt) => {
      if (attempt > 3) served();
      return 'ok';
    };
    const child = start(
      '--hold=1h',
      '--pause=10ms',
      '--assert=p99<1h',
      '--report',
      join(folder, 'not', 'there', 'yet'),
    );
    const result = resultOf(child);
    await isLoading;
    child.kill('SIGINT');
    const { code, stdout, stderr } = await result;
    assert.equal(code, 130, stderr);
    assert.match(stdout, /^interrupted after .*: a part of the run$[^]*^report: .*report\.html/m);
    const { isInterrupted, total, durationMs } = await reportIn(join('not', 'there', 'yet'));
    assert.ok(isInterrupted && total.ok > 0 && durationMs < 60_000);
    assert.match(await readFile(join(folder, 'not', 'there', 'yet', 'report.html'), 'utf8'), /verdict interrupted/);
  });

  it('keeps the report in its folder when the upload is refused, and ends with 1', async () => {
    reply = () => 'ok';
    const store = new ObjectStore('reports', { ...keys, secret: 'of-somebody' });
    const endpoint = await store.start();
    const upload = ['--upload=s3://reports/x', '--s3-endpoint', endpoint, '--report', join(folder, 'kept')];
    const { code, stdout, stderr } = await resultOf(start('--hold=300ms', '--pause=20ms', ...upload));
    store.stop();
    assert.equal(code, 1, stdout);
    assert.match(stderr, /^upload failed: .*SignatureDoesNotMatch/m);
    assert.ok((await reportIn('kept')).total.ok > 0);
  });

  it('refuses a folder that it could not write to before it loads', async () => {
    reply = () => assert.fail('it loads');
    const { code, stderr } = await resultOf(start('--report', main));
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(`--report is "${main}", which cannot be written to: EEXIST`), stderr);
  });
});
