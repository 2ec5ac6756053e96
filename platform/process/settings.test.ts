import assert from 'node:assert/strict';
import { choice, combined, integer, invalidSetting, port, settings, text, url, variablesOf } from './settings.js';

const table = {
  count: integer('COUNT', { default: 3, minimum: 1, maximum: 9 }, 'so many'),
  mode: choice('MODE', ['slow', 'fast'], { default: 'slow' }, 'how'),
  port: port('PORT', { default: 80 }, 'where'),
  address: url('ADDRESS', { default: 'nats://127.0.0.1' }, 'of what'),
  person: combined(
    { first: text('FIRST', { default: '' }, 'name'), last: text('LAST', { default: '' }, 'name') },
    ({ first, last }) => {
      if ((first === '') !== (last === '')) throw invalidSetting('FIRST and LAST go together');
      return `${first} ${last}`.trim();
    },
  ),
};

describe('a table of settings', () => {
  it('gives defaults for what is not set or empty', () => {
    const values = { count: 3, mode: 'slow', port: 80, address: 'nats://127.0.0.1', person: '' };
    assert.deepEqual(settings(table, { COUNT: '', MODE: '' }), values);
  });

  it('gives what is set', () => {
    const variables = { COUNT: '9', MODE: 'fast', PORT: '0', ADDRESS: 'x', FIRST: 'a', LAST: 'b' };
    const values = { count: 9, mode: 'fast', port: 0, address: 'x', person: 'a b' };
    assert.deepEqual(settings(table, variables), values);
  });

  it('names the variable whose value cannot be meant', () => {
    const wrong: [Record<string, string>, string][] = [
      [{ COUNT: '0' }, 'COUNT is "0", must be a whole number from 1 to 9'],
      [{ COUNT: '1e0' }, 'COUNT is "1e0", must be a whole number from 1 to 9'],
      [{ MODE: 'x' }, 'MODE is "x", must be one of slow, fast'],
      [{ PORT: '65536' }, 'PORT is "65536", must be a whole number from 0 to 65535'],
      [{ FIRST: 'a' }, 'FIRST and LAST go together'],
    ];
    for (const [variables, message] of wrong) {
      assert.throws(() => settings(table, variables), { reason: 'INVALID_SETTING', message });
    }
  });

  it('tells which variables it reads, those of combined ones included', () => {
    const names = variablesOf(table).map(({ name }) => name);
    assert.deepEqual(names, ['COUNT', 'MODE', 'PORT', 'ADDRESS', 'FIRST', 'LAST']);
  });

  it('lets bounds depend on other variables', () => {
    const half = integer('HALF', ({ WHOLE }) => ({ default: 1, maximum: Number(WHOLE ?? 4) / 2 }), 'so many');
    assert.equal(half.read({ HALF: '4', WHOLE: '8' }), 4);
    assert.throws(() => half.read({ HALF: '4' }), /HALF is "4"/);
  });
});
