import assert from 'node:assert/strict';
import { readCommandLine } from './command-line.js';

describe('the journal command line', () => {
  it('knows its commands', () => {
    const read = (line: string): unknown => readCommandLine(line.split(' '));
    assert.deepEqual(read('verify'), { kind: 'verify' });
    assert.deepEqual(read('give-up'), { kind: 'give-up' });
    assert.deepEqual(read('export a.journal'), { kind: 'export', file: 'a.journal' });
    assert.deepEqual(read('import a.journal'), { kind: 'import', file: 'a.journal' });
    assert.deepEqual(read('migrate --to per-thread'), { kind: 'migrate', to: 'per-thread', buckets: undefined });
    assert.deepEqual(read('migrate --to bucketed --buckets 4'), { kind: 'migrate', to: 'bucketed', buckets: 4 });
    assert.deepEqual(read('migrate --delete-old'), { kind: 'delete-old' });
    assert.deepEqual(read('verify --help'), { kind: 'help' });
  });

  const wrong: Record<string, RegExp> = {
    '': /there is no command/,
    destroy: /there is no command destroy/,
    'verify now': /now is one argument too many/,
    'verify --to bucketed': /only migrate takes --to/,
    export: /export needs the name of a file/,
    'import a b': /b is one argument too many/,
    migrate: /migrate needs --to per-thread or --to bucketed/,
    'migrate --to files': /migrate needs --to/,
    'migrate --to bucketed --buckets 0': /--buckets is 0, must be a whole number from 1 to 1024/,
    'migrate --to per-thread --buckets 4': /--buckets goes with --to bucketed/,
    'migrate --to bucketed --delete-old': /--delete-old comes alone/,
    'migrate --to bucketed --force': /Unknown option '--force'/,
  };
  for (const [line, message] of Object.entries(wrong)) {
    it(`refuses "${line}"`, () => assert.throws(() => readCommandLine(line.split(' ')), { message }));
  }
});
