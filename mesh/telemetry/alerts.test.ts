import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from '../../platform/process/project-root.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

const fileText = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

/** What a heading of Markdown is linked by. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

/** Sections of the third level by their anchors. */
function sectionsOf(markdown: string): Map<string, string> {
  const sections = markdown.split(/^(?=#{2,3} )/m).map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    return [anchorOf(heading.replace(/^#+ /, '')), lines.join('\n').trim()] as const;
  });
  return new Map(sections);
}

/** What rules, table and runbook do not agree on. */
function disagreements(rules: readonly Rule[], table: string, runbook: string): string[] {
  const found: string[] = [];
  const sections = sectionsOf(runbook);
  for (const { alert, expr, for: holds, labels, annotations } of rules) {
    const url = `operations.md#${alert.toLowerCase()}`;
    if (annotations.runbook_url !== `docs/${url}`) found.push(`${alert}: its runbook_url`);
    if (!/^\d\. /m.test(sections.get(alert.toLowerCase()) ?? '')) found.push(`${alert}: no steps in the runbook`);
    const condition = `\`${expr.trim().replaceAll('|', '\\|')}\`${holds === '0s' ? '' : ` for ${holds}`}`;
    const row = table.split('\n').find((line) => line.startsWith(`| **${alert}**`)) ?? '';
    for (const part of [`<br>${labels.severity} | ${condition} |`, `(${url})`]) {
      if (!row.includes(part)) found.push(`${alert}: the table lacks ${part}`);
    }
  }
  const names = rules.map(({ alert }) => alert);
  const inTable = [...table.matchAll(/^\| \*\*(\w+)\*\*/gm)].map(([, name]) => name ?? '');
  const alertPart = runbook.split(/^## /m).find((part) => part.startsWith('Alerts\n')) ?? '';
  const inRunbook = [...alertPart.matchAll(/^### (\w+)$/gm)].map(([, name]) => name ?? '');
  for (const name of [...inTable, ...inRunbook]) if (!names.includes(name)) found.push(`${name}: no such alert`);
  return found;
}

/** Links of a document to its own headings, or to those of another, that lead nowhere. */
function deadLinks(path: string): string[] {
  const links = [...fileText(path).matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g)];
  return links.flatMap(([link, file = '', anchor = '']) => {
    const target = file === '' ? path : join('docs', file);
    return sectionsOf(fileText(target)).has(anchor) ? [] : [`${path}: ${link}`];
  });
}

describe('Alerts', () => {
  const rulesText = fileText('mesh/telemetry/alerts.yaml');
  const { groups } = parse(rulesText) as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  const table = fileText('docs/metrics.md');
  const runbook = fileText('docs/operations.md');

  it('are the same in the rules, in the table of metrics.md and in the runbook, which has steps for each', () => {
    assert.ok(rules.length >= 25);
    assert.deepEqual(disagreements(rules, table, runbook), []);
  });

  it('would be found to differ', () => {
    const broken = [
      disagreements(rules.slice(1), table, runbook),
      disagreements(rules, table.replace('backlog_seconds) > 30', 'backlog_seconds) > 60'), runbook),
      disagreements(rules, table.replace('**NatsLost**<br>critical', '**NatsLost**<br>warning'), runbook),
      disagreements(rules, table, runbook.replace('### DeadLetters', '### DeadLetter')),
    ];
    assert.deepEqual(
      broken.map((found) => found.map((line) => line.split(':')[0])),
      [['CallsFail', 'CallsFail'], ['ProjectionBehind'], ['NatsLost'], ['DeadLetters', 'DeadLetter']],
    );
  });

  it('lead to procedures whose links lead somewhere', () => {
    assert.deepEqual([...deadLinks('docs/operations.md'), ...deadLinks('docs/metrics.md')], []);
  });
});
