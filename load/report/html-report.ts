import { formatDuration, formatShare } from '../quantities.js';
import { generatorCells, generatorWarnings } from './generator-report.js';
import { type LoadReport, verdictOf } from './load-report.js';
import { plotsOf } from './plots.js';
import { tableHead, tableRow } from './text-report.js';

/** The report as one page that needs nothing else. */
export function htmlReport(report: LoadReport): string {
  const { options, requests, total, assertions, faults, generator, environment, startedAt } = report;
  const verdict = verdictOf(report);
  const scenarios = options.scenarios.map(({ name, weight }) => (weight === 1 ? name : `${name}=${weight}`)).join(', ');
  const title = `Load: ${scenarios} over ${options.protocol}`;
  const tiles: [string, string][] = [
    ['requests', total.count.toLocaleString('en')],
    ['ok per second', total.perSecond.toFixed(1)],
    ['p50', formatDuration(total.latency.p50)],
    ['p99', formatDuration(total.latency.p99)],
    ['max', formatDuration(total.latency.max)],
    ['errors', formatShare(total.failed, total.count)],
  ];
  const errors = requests.flatMap(({ name, errors: kinds }) =>
    Object.entries(kinds).map(([kind, count]) => [name, kind, String(count)]),
  );
  const { shape, ...plain } = options;
  const settings = Object.entries({ ...plain, scenarios, ...shape }).filter(([, value]) => value !== undefined);
  const rows = [...requests.map(tableRow), ...(requests.length > 1 ? [tableRow(total)] : [])];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${css}</style>
</head>
<body>
<header>
<h1>${escaped(title)} <span class="verdict ${verdict}">${verdict}</span></h1>
<p>${escaped(describeLoad(report))} Started ${escaped(startedAt.replace('T', ' ').slice(0, 19))} UTC against <code>${escaped(options.target)}</code>.</p>
</header>
${generatorWarnings(generator)
  .map((warning) => `<p class="warning">${escaped(warning)}</p>`)
  .join('\n')}
${faults.map((fault) => `<p class="fault">${escaped(fault)}</p>`).join('\n')}
<section class="tiles">${tiles.map(([name, value]) => `<div><b>${escaped(value)}</b><span>${name}</span></div>`).join('')}</section>
${
  assertions.length === 0
    ? ''
    : `<section class="words"><h2>Assertions</h2>
${table(
  ['', 'asserted', 'found'],
  assertions.map(({ text, isMet, actual }) => [isMet ? '✔ pass' : '✘ fail', text, actual]),
  (row) => (row[0]?.startsWith('✔') ? 'met' : 'unmet'),
)}</section>`
}
${plotsOf(report)
  .map(
    ({ title: heading, about, svg }) =>
      `<section><h2>${heading}</h2><p class="about">${about}</p><figure>${svg}</figure></section>`,
  )
  .join('\n')}
<section><h2>Requests</h2>
${table(tableHead, rows, (row) => (row[0] === 'all' ? 'all' : ''))}
<p class="about">Latencies are of all requests, failed ones too, from the request’s beginning (with a rate: from when it should have begun) until its answer
was found right. ok/s counts what went well, over ramp and hold. What is delivered to watchers counts from the beginning of the post, and is in no total.</p></section>
${errors.length === 0 ? '' : `<section><h2>What went wrong</h2>${table(['request', 'error', 'count'], errors)}</section>`}
<section class="columns">
<div><h2>Settings</h2>${table(
    ['setting', 'value'],
    settings.map(([name, value]) => [name, String(value)]),
  )}</div>
<div><h2>Generator</h2>${table(['', ''], [...generatorCells(generator), ...Object.entries(environment)])}
<p class="about">A worker near 100 % is the limit itself: its latencies are then its own. Add workers, or machines.</p></div>
</section>
</body>
</html>
`;
}

function describeLoad({ options, durationMs, isInterrupted }: LoadReport): string {
  const { users, rate, rampMs, holdMs, pauseMs } = options;
  const who = rate === undefined ? `${users} users` : `${rate} rounds a second, at most ${users} at once`;
  const long = `came over ${formatDuration(rampMs)} and stayed ${formatDuration(holdMs)}`;
  const end = isInterrupted ? ` Interrupted after ${formatDuration(durationMs)}.` : '';
  return `${who} ${long}, with pauses of ${formatDuration(pauseMs)}.${end}`;
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  classOf: (row: readonly string[]) => string = () => '',
): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  const heading = head.every((cell) => cell === '') ? '' : `<thead><tr>${cells(head, 'th')}</tr></thead>`;
  const body = rows.map((row) => `<tr class="${classOf(row)}">${cells(row, 'td')}</tr>`).join('\n');
  return `<div class="scroll"><table>${heading}<tbody>${body}</tbody></table></div>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const css = `
:root { color-scheme: light dark; --page: #fff; --card: #f6f7f9; --text: #24292f; --soft: #656d76; --line: #d8dee4;
  --ok: #1a7f5a; --failed: #d1242f; --users: #8250df; --p50: #1a7f5a; --p95: #0969da; --p99: #bc4c00; --max: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --text: #d5dce3; --soft: #8b949e; --line: #2a313a;
  --ok: #3fb98a; --failed: #ff7b72; --users: #bc8cff; --p50: #3fb98a; --p95: #58a6ff; --p99: #f0883e; --max: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1160px; padding: 28px 24px 64px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 24px; } h2 { margin: 0 0 4px; font-size: 17px; } header p { margin: 4px 0 0; color: var(--soft); }
section { margin-top: 28px; } .about { margin: 0 0 8px; color: var(--soft); font-size: 13px; } .scroll + .about { margin-top: 8px; }
.verdict { margin-left: 8px; padding: 2px 10px; border-radius: 99px; font-size: 14px; vertical-align: 3px; color: #fff; }
.passed { background: #1a7f5a; } .failed { background: #c02630; } .interrupted { background: #9a6700; }
.fault, .warning { margin: 16px 0 0; padding: 10px 14px; border-left: 4px solid var(--failed); background: var(--card); }
.warning { border-left-color: var(--max); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; }
.tiles div { padding: 14px 16px; border-radius: 8px; background: var(--card); } .tiles b { display: block; font-size: 22px; }
.tiles span { color: var(--soft); font-size: 13px; }
figure { margin: 0; padding: 12px 8px 4px; border-radius: 8px; background: var(--card); } svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; } table { width: 100%; border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child { text-align: left; } .columns td, .words td { text-align: left; white-space: normal; }
.columns th, .words th { text-align: left; } .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 28px; }
tr.all td { font-weight: 600; } tr.met td:first-child { color: var(--ok); } tr.unmet td:first-child { color: var(--failed); font-weight: 600; }
code { font-size: 0.92em; }
`;
