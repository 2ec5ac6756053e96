/**
 * `npm run verify:rules`: checks mesh/telemetry/alerts.yaml by Prometheus' own promtool, and has it run a case of every alert:
 * when it fires, and when not. The first time it builds promtool, with Go from 1.26 on: seven minutes of one core, which is
 * why `npm test` does not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { projectRoot } from '../../platform/process/project-root.js';
import { run, tryRun } from '../verify-mesh/run.js';
import { cases, type RuleCase, type Series } from './cases.js';

const rulesPath = join(projectRoot, 'mesh', 'telemetry', 'alerts.yaml');
const source = join(projectRoot, 'scripts', 'verify-rules', 'go');
const folder = join(projectRoot, '.tools', 'verify-rules');

async function promtool(): Promise<string> {
  const pins = readFileSync(join(source, 'go.mod'), 'utf8');
  const [binary, stamp] = [join(folder, 'promtool'), join(folder, '.stamp')];
  if (existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === pins) return binary;
  await mkdir(folder, { recursive: true });
  const started = Date.now();
  const minutes = (): number => Math.round((Date.now() - started) / 60_000);
  console.log('building promtool (Go; minutes) …');
  const progress = setInterval(() => console.log(`  still building, ${minutes()} min`), 60_000);
  try {
    const options = ['-trimpath', '-ldflags', '-s -w', '-o', binary];
    const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
    const timeoutMs = 60 * 60_000;
    await run('go', ['build', ...options, 'github.com/prometheus/prometheus/cmd/promtool'], {
      cwd: source,
      env,
      timeoutMs,
    });
  } finally {
    clearInterval(progress);
  }
  await writeFile(stamp, pins);
  return binary;
}

function testOf(alert: string, series: Series, atMinute: number, fires: boolean): object {
  return {
    name: `${alert} ${fires ? 'fires' : 'does not fire'}`,
    interval: '30s',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count by (alertname) (ALERTS{alertname="${alert}", alertstate="firing"})`,
        eval_time: `${atMinute}m`,
        exp_samples: fires ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [],
      },
    ],
  };
}

function testsOf([alert, { series, quiet, atMinute }]: [string, RuleCase]): object[] {
  return [testOf(alert, series, atMinute, true), testOf(alert, { ...series, ...quiet }, atMinute, false)];
}

async function main(): Promise<number> {
  const { groups } = parse(readFileSync(rulesPath, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  const missing = alerts.filter((alert) => cases[alert] === undefined);
  if (missing.length > 0) console.log(`no case of ${missing.join(', ')}`);
  const command = await promtool();
  const work = await mkdtemp(join(tmpdir(), 'threadweaver-rules-'));
  try {
    const tests = join(work, 'tests.yaml');
    const file = { rule_files: [rulesPath], evaluation_interval: '15s', tests: Object.entries(cases).flatMap(testsOf) };
    await writeFile(tests, stringify(file));
    const outputs = [
      await tryRun(command, ['check', 'rules', rulesPath]),
      await tryRun(command, ['test', 'rules', tests]),
    ];
    for (const { stdout, stderr } of outputs) process.stdout.write(stdout + stderr);
    const isFine = missing.length === 0 && outputs.every(({ code }) => code === 0);
    console.log(isFine ? `${alerts.length} alerts fire when they should, and not else` : 'failed');
    return isFine ? 0 : 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

process.exitCode = await main();
