import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { projectRoot } from '../../platform/process/project-root.js';
import { prometheusFolder } from '../servers/tools.js';
import { cases, type RuleCase, type Series } from './alert-cases.js';

const rulesPath = join(projectRoot, 'mesh', 'telemetry', 'alerts.yaml');

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

describe("Alerts, by Prometheus' own promtool", function () {
  this.timeout(60_000);
  let folder: string;
  let promtool: string;

  before(async function () {
    // Debian's package: elsewhere a developer goes without, a pipeline does not.
    if (!existsSync('/usr/bin/apt-get') && process.env.CI === undefined) {
      console.log("      skipped: promtool comes as Debian's package, and there is no apt-get here");
      this.skip();
    }
    promtool = join(prometheusFolder(), 'usr', 'bin', 'promtool');
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-alerts-'));
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** What promtool says of rules; undefined when nothing is wrong. */
  function faultOf(...args: string[]): string | undefined {
    const { status, stdout, stderr } = spawnSync(promtool, args, { encoding: 'utf8' });
    return status === 0 ? undefined : `${stdout}${stderr}`;
  }

  /** Runs the cases of some alerts. */
  async function faultOfCases(rules: string, entries: [string, RuleCase][]): Promise<string | undefined> {
    const tests = join(folder, 'tests.yaml');
    await writeFile(
      tests,
      stringify({ rule_files: [rules], evaluation_interval: '30s', tests: entries.flatMap(testsOf) }),
    );
    return faultOf('test', 'rules', tests);
  }

  it('are rules as Prometheus reads them', () => {
    assert.equal(faultOf('check', 'rules', rulesPath), undefined);
  });

  it('fire when they should, each of them, and not else', async () => {
    const { groups } = parse(readFileSync(rulesPath, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    assert.deepEqual(Object.keys(cases).toSorted(), alerts.toSorted());
    assert.equal(await faultOfCases(rulesPath, Object.entries(cases)), undefined);
  });

  it('would be found to fire at another limit, or not at all', async () => {
    const changed = join(folder, 'changed.yaml');
    const rules = readFileSync(rulesPath, 'utf8');
    await writeFile(changed, rules.replace('backlog_seconds) > 30', 'backlog_seconds) > 28').replace('== 0', '< 0'));
    const some = Object.entries(cases).filter(([alert]) => ['NatsLost', 'ProjectionBehind'].includes(alert));
    const fault = await faultOfCases(changed, some);
    assert.match(fault ?? '', /NatsLost.*\n.*\n *got: nil/);
    assert.match(fault ?? '', /ProjectionBehind.*\n *exp: nil/);
  });
});
