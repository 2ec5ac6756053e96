import assert from 'node:assert/strict';
import { readable, severityOf } from './log-line.js';

describe('log lines of children', () => {
  const cases = [
    ['info', '{"level":"info","msg":"an [error] in a text"}'],
    ['warning', '{"level":"warn","msg":"slow"}'],
    ['error', '{"level":"fatal","msg":"gone"}'],
    ['warning', '{"level":40,"msg":"slow"}'],
    ['error', '{"level":60,"msg":"gone"}'],
    ['info', '[42] 2026/01/01 00:00:00.000000 [INF] Server is ready'],
    ['error', '[42] 2026/01/01 00:00:00.000000 [FTL] no disk'],
    ['warning', '2026-01-01  0:00:00 0 [Warning] something'],
    ['error', '2026-01-01  0:00:00 0 [ERROR] Aborting'],
    ['error', '[2026-01-01 00:00:00.000][1][critical][main] [source/server.cc:1] no'],
  ] as const;

  for (const [severity, line] of cases) {
    it(`takes as ${severity}: ${line}`, () => assert.equal(severityOf(line), severity));
  }

  it('shows message and fields of a JSON line, and any other line as it is', () => {
    const line = '{"level":"warn","time":"t","pid":1,"service":"s","msg":"slow","ms":5}';
    assert.equal(readable(line), 'warn: slow {"ms":5}');
    assert.equal(readable('{not json'), '{not json');
    assert.equal(readable('text'), 'text');
  });
});
