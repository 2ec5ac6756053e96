import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { projectRoot } from '../../platform/process/project-root.js';
import { callKinds, type CallKind } from './calls.js';
import type { CallSummary } from './call-stats.js';
import { judgeRun } from './judge-run.js';
import { explainGrowth } from './explain-growth.js';
import { totalFds } from './process-sample.js';
import { longLivedParts, partNames, restartedParts, type PartName } from './rolling-mesh.js';
import type { RollingResult } from './run-rolling.js';
import { median, quantile } from './slope.js';
import { limits, type Judgement } from './verdict.js';

/** Constructors whose objects have grown by less are not listed. */
const LISTED_BYTES = 16 * 1024;
const MOST_LISTED = 12;
const MOST_FAILURES = 20;

type Cell = string | number;

/** The verdict, for a console. */
export function verdictText(judgements: readonly Judgement[]): string {
  return judgements
    .map(({ question, limit, measured, isGood }) => `${isGood ? '✔' : '✘'} ${question}: ${measured} (limit ${limit})`)
    .join('\n');
}

/** The whole report as Markdown. @param plots names of its plots, by what they show */
export function reportText(
  result: RollingResult,
  plots: Readonly<Record<'calls' | 'memory' | 'files', string>>,
): string {
  const { watches, commits, threads, trouble, capacityPerSecond, share } = result;
  const judgements = judgeRun(result);
  const all = result.calls.summary();
  const lagsMs = [...watches.lagsMs].sort((one, other) => one - other);
  const isGood = judgements.every((judgement) => judgement.isGood);
  return `${[
    '# Soak: calls while everything is restarted in turn',
    introduction(result),
    `**${isGood ? 'All is well' : 'Not all is well'}**: ${all.calls} calls, ${all.failed} failed; ${result.restarts.length} restarts; ` +
      `${commits} commits in ${threads} threads, each as its client was told and as MySQL shows it${isGood ? '' : ', or listed below'}.` +
      (trouble === undefined ? '' : ` The run ended early: ${trouble}.`),
    '## Verdict',
    'The limits are part of the program (`e2e/rolling/verdict.ts`), not chosen after the run.',
    table(
      ['', 'limit', 'measured', ''],
      judgements.map(({ question, limit, measured, isGood: good }) => [
        question,
        limit,
        measured,
        good ? 'yes' : '**NO**',
      ]),
    ),
    `At ${(capacityPerSecond * share).toFixed(0)} calls/s, ${limits.heapMibPerHour} MiB/h are ` +
      `${((limits.heapMibPerHour * 1024 * 1024) / 3_600 / (capacityPerSecond * share)).toFixed(0)} bytes a call.`,
    '## Calls',
    `![latency and restarts over time](${plots.calls})`,
    'Times in ms, from the moment that the client wanted to call, repeats included. “Repeated” were answered at a later attempt.',
    callsTable(result),
    ...repeatReasons(result),
    ...failures(result),
    '## Restarts',
    'Seconds from the signal (Envoy: from its drain) until healthy again, and of that without a process that answers. Calls are those that began meanwhile.',
    restartsTable(result),
    '## Watchers',
    `${watches.complete} rooms watched from their first commit to their last by 24 clients (half gRPC, half server-sent events), ` +
      `${watches.commits} commits, each once and in order; ${watches.resumed} streams broke off and were resumed. From the ` +
      `acknowledgement until a watcher had it, ms: p50 ${quantile(lagsMs, 0.5)}, p99 ${quantile(lagsMs, 0.99)}, longest ${lagsMs.at(-1) ?? 0}.`,
    ...watches.violations.slice(0, MOST_FAILURES).map((line) => `- ${line}`),
    '## Memory and files of what lived long',
    `![heap after collections, and resident memory](${plots.memory})`,
    `![open files](${plots.files})`,
    'Restarted in the first round only. The resident memory of the services jumps at the first heap snapshot, whose writing needs memory that the process keeps.',
    longLivedTable(result),
    '## Heap snapshots',
    'Both were taken after 22 s without calls, when no thread is in memory any more; watchers were connected. KiB of the objects alone.',
    ...heapTables(result),
    '## All processes',
    'Over the whole run; what is restarted is counted anew each time. CPU in % of one core.',
    processesTable(result),
    '## What this does not show',
    limitsOfThis,
  ].join('\n\n')}\n`;
}

function introduction({ startedAt, elapsedMs, seed, capacityPerSecond, share }: RollingResult): string {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`;
  return (
    '`npm run soak -- --rolling --report docs/soak.md` wrote this. ' +
    `${new Date(startedAt).toISOString().slice(0, 16)}Z, ${(elapsedMs / 60_000).toFixed(1)} minutes, commit ${commit()}, seed ${seed}; ${machine}.\n\n` +
    'Two each of thread-command, thread-query, thread-projector and Envoy, three NATS nodes (journal `bucketed`, three copies, `sync_interval: always`) ' +
    'and one MariaDB share these cores with the clients, so capacity is that of all of them together. ' +
    `Closed-loop clients found it first: **${capacityPerSecond.toFixed(0)} calls/s** of the mix; from then on calls arrived at random moments, ` +
    `**${(capacityPerSecond * share).toFixed(0)} a second** (${(share * 100).toFixed(0)} %), whatever became of those before.\n\n` +
    `The mix is half commands (create, join, post, edit, react, mark read) and half queries (with \`min_version\` where there is one), by gRPC, gRPC-Web and REST. ` +
    'A client has 10 s for a call and repeats what is UNAVAILABLE, or broke off, with the same request id, at the other Envoy.\n\n' +
    `First everything was restarted once: ${longLivedParts.join(', ')}, which then lived to the end; from then on, again and again, ${restartedParts.join(', ')}. ` +
    'Services and MariaDB got SIGTERM, NATS nodes SIGUSR2 (lame duck), Envoys were drained first; each had to be healthy before the next.'
  );
}

function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' (changed)'}`;
  } catch {
    return 'unknown';
  }
}

function callsTable({ calls }: RollingResult): string {
  const row = (name: string, { calls: count, p50, p99, p999, max, repeated, failed }: CallSummary): Cell[] => [
    ...[name, count, ms(p50), ms(p99), ms(p999), ms(max), repeated, failed],
  ];
  return table(
    ['', 'calls', 'p50', 'p99', 'p99.9', 'longest', 'repeated', 'failed'],
    [
      ...callKinds.map((kind: CallKind) =>
        row(
          kind,
          calls.summary((call) => call.kind === kind),
        ),
      ),
      ...(['gRPC', 'gRPC-Web', 'REST'] as const).map((api) =>
        row(
          `by ${api}`,
          calls.summary((call) => call.api === api),
        ),
      ),
      row('**all**', calls.summary()),
    ],
  );
}

function repeatReasons({ calls }: RollingResult): string[] {
  const reasons = calls.repeatReasons();
  if (reasons.length === 0) return [];
  return [
    'Why calls were repeated:',
    table(
      ['calls', 'first answer'],
      reasons.slice(0, 10).map(([why, count]) => [count, code(why)]),
    ),
  ];
}

function failures({ calls, violations, startedAt }: RollingResult): string[] {
  const failed = calls.failures.map(
    ({ kind, api, startedAt: at, tookMs, attempts, failure }) =>
      `- +${((at - startedAt) / 1_000).toFixed(0)} s, ${kind} by ${api}, ${attempts} attempts in ${ms(tookMs)} ms: ${code(failure ?? '')}`,
  );
  const broken = violations.map((violation) => `- ${code(JSON.stringify(violation).slice(0, 300))}`);
  return [
    ...(failed.length > 0 ? ['### Failed calls', failed.slice(0, MOST_FAILURES).join('\n')] : []),
    ...(broken.length > 0 ? ['### Broken promises', broken.slice(0, MOST_FAILURES).join('\n')] : []),
  ];
}

function restartsTable({ restarts, calls, startedAt }: RollingResult): string {
  const rows = partNames.flatMap((part) => {
    const those = restarts.filter((restart) => restart.part === part);
    if (those.length === 0) return [];
    const meanwhile = calls.summary(({ startedAt: at }) =>
      those.some(({ atMs, tookMs }) => at - startedAt >= atMs && at - startedAt <= atMs + tookMs),
    );
    const took = those.map(({ tookMs }) => tookMs);
    const away = those.map(({ awayMs }) => awayMs);
    return [
      [
        ...[part, those.length, seconds(median(took)), seconds(Math.max(...took))],
        ...[seconds(median(away)), seconds(Math.max(...away))],
        ...[meanwhile.calls, ms(meanwhile.p99), ms(meanwhile.max), meanwhile.repeated, meanwhile.failed],
      ],
    ];
  });
  const during = (at: number): boolean =>
    restarts.some(({ atMs, tookMs }) => at - startedAt >= atMs && at - startedAt <= atMs + tookMs);
  const { calls: count, p99, max, repeated, failed } = calls.summary(({ startedAt: at }) => !during(at));
  return table(
    [
      '',
      'restarts',
      'took, median',
      'most',
      'away, median',
      'most',
      'calls',
      'p99 ms',
      'longest ms',
      'repeated',
      'failed',
    ],
    [...rows, ['nothing restarting', '', '', '', '', '', count, ms(p99), ms(max), repeated, failed]],
  );
}

function longLivedTable({ sampler, fds, quietAtMs }: RollingResult): string {
  const rows = longLivedParts.map((part) => {
    const [first, last] = fds.map((moment) => moment.get(part));
    const heaps = (sampler.heaps.get(part) ?? []).filter(({ atMs }) => atMs > quietAtMs[0]);
    const threads = first === undefined || last === undefined ? '' : `${first.threads} → ${last.threads}`;
    const kinds = (['socket', 'file', 'pipe', 'other'] as const).map(
      (kind) => `${first?.fds[kind]} → ${last?.fds[kind]}`,
    );
    const between = (values: readonly number[]): string =>
      values.length === 0 ? '' : `${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)}`;
    return [
      ...[part, between(heaps.map(({ heapMib }) => heapMib)), between(heaps.map(({ externalMib }) => externalMib))],
      ...[`${first?.rssMib.toFixed(0)} → ${last?.rssMib.toFixed(0)}`, threads, ...kinds],
    ];
  });
  return table(
    ['', 'heap MiB after collections', 'buffers MiB', 'resident MiB', 'threads', 'sockets', 'files', 'pipes', 'other'],
    rows,
  );
}

function heapTables({ heaps }: RollingResult): string[] {
  return [...heaps].flatMap(([part, { beforeMib, afterMib, growths }]) => {
    const listed = growths.filter(({ bytes }) => bytes >= LISTED_BYTES).slice(0, MOST_LISTED);
    const heading = `**${part}**: ${beforeMib.toFixed(1)} MiB, then ${afterMib.toFixed(1)} MiB.`;
    if (listed.length === 0) return [`${heading} No constructor's objects grew by 16 KiB or more.`];
    const rows = listed.map(({ constructorName, before, after, bytes }) => [
      ...[code(constructorName), before.count, after.count, (bytes / 1024).toFixed(0), explainGrowth(constructorName)],
    ]);
    return [heading, table(['constructor', 'count', 'then', '+KiB', 'what it is'], rows)];
  });
}

function processesTable({ sampler }: RollingResult): string {
  const rows = partNames.map((part: PartName) => {
    const samples = sampler.samples.get(part) ?? [];
    let [cpu, ms_] = [0, 0];
    samples.forEach((sample, index) => {
      const before = samples[index - 1];
      if (before === undefined || before.pid !== sample.pid) return;
      cpu += sample.cpuSeconds - before.cpuSeconds;
      ms_ += sample.atMs - before.atMs;
    });
    const rss = samples.map(({ rssMib }) => rssMib);
    return [
      ...[part, ((cpu * 100_000) / Math.max(1, ms_)).toFixed(0), median(rss).toFixed(0), Math.max(...rss).toFixed(0)],
      ...[Math.max(...samples.map(({ threads }) => threads)), Math.max(...samples.map(totalFds))],
    ];
  });
  return table(['', 'CPU %', 'resident MiB, median', 'most', 'threads, most', 'open files, most'], rows);
}

const limitsOfThis = `- One machine: no network between the parts, and all of them slow each other down when one starts. What capacity a part has alone is for the bench.
- MariaDB and the restarted instances are young at each look, so that only those that lived to the end say something about leaks. The other instance of a service runs the same code.
- nats-3's memory is shown and not judged: its indexes grow with what is stored.
- \`PASSIVATE_AFTER_MS\` is 15 s instead of 60 s, so that a quiet moment empties the memory; \`LOG_LEVEL\` is \`warn\`.
- Graceful restarts only. Kills, pauses and cuts are for \`npm run soak\` without \`--rolling\` ([chaos.md](chaos.md)).`;

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ')}\``;
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function seconds(valueMs: number): string {
  return (valueMs / 1_000).toFixed(1);
}
