import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readCommandLine } from './operator-command-line.js';

describe("the operator's command line", () => {
  it('is read', () => {
    const thread = '01DB5QXD4NP0XQTV92K42B3XBF';
    const cases: Record<string, unknown> = {
      status: { kind: 'status', json: false },
      'status --json': { kind: 'status', json: true },
      pause: { kind: 'pause' },
      rebuild: { kind: 'rebuild', isJournalRestored: false },
      'rebuild --journal-restored': { kind: 'rebuild', isJournalRestored: true },
      'rewind --to 17': { kind: 'rewind', to: 17 },
      'rewind --to 2026-01-31T12:00:00+01:00': { kind: 'rewind', to: new Date('2026-01-31T11:00:00Z') },
      'dead-letters list --json': { kind: 'list', json: true },
      [`dead-letters retry ${thread}`]: { kind: 'retry', aggregateId: thread },
      'dead-letters retry --all': { kind: 'retry', aggregateId: undefined },
      [`dead-letters drop ${thread} --yes`]: { kind: 'drop', aggregateId: thread, yes: true },
      [`skip ${thread}`]: { kind: 'skip', aggregateId: thread, yes: false },
      '-h': { kind: 'help' },
    };
    for (const [line, command] of Object.entries(cases))
      assert.deepEqual(readCommandLine(line.split(' ')), command, line);
  });

  it('is refused with a line that says why', () => {
    const cases: Record<string, RegExp> = {
      '': /a command is missing/,
      'dead-letters': /there is no command dead-letters/,
      'pause now': /now is one argument too many/,
      'pause --yes': /pause does not take --yes/,
      '--json': /that does not take --json/,
      rewind: /rewind needs --to/,
      'rewind --to -5': /'--to'|--to/,
      'rewind --to 2026-01-31': /a time with its zone/,
      'rewind --to 2026-13-31T12:00:00Z': /a time with its zone/,
      'dead-letters retry': /the id of a thread, or --all/,
      'dead-letters retry a --all': /the id of a thread, or --all/,
      "skip a';DROP": /no id of a thread/,
      skip: /skip needs the id/,
    };
    for (const [line, message] of Object.entries(cases)) {
      assert.throws(() => readCommandLine(line === '' ? [] : line.split(' ')), message, line);
    }
  });
});
