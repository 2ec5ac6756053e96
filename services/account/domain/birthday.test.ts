import assert from 'node:assert/strict';
import { birthdayText, parseBirthday } from './birthday.js';

const now = Date.UTC(2026, 5, 15);
const read = (text: string): string | undefined => {
  const time = parseBirthday(text, now);
  return time === undefined ? undefined : birthdayText(time);
};

describe('a birthday', () => {
  it('is a date or a time as RFC 3339 writes it', () => {
    assert.equal(read('1990-01-02'), '1990-01-02T00:00:00Z');
    assert.equal(read('1990-01-02T03:04:05+03:00'), '1990-01-02T00:04:05Z');
    assert.equal(read('1990-01-02t03:04:05.678z'), '1990-01-02T03:04:05.678Z');
    assert.equal(read('2016-12-31T23:59:60Z'), '2016-12-31T23:59:59Z');
    assert.equal(read('2000-02-29'), '2000-02-29T00:00:00Z');
  });

  it('is a day that there was, within a life', () => {
    const wrong = [
      '',
      'yesterday',
      '1990-02-30',
      '1999-02-29',
      '1990-13-01',
      '1990-1-2',
      '1990-01-02T24:00:00Z',
      '0001-01-01',
      '2026-06-17',
    ];
    for (const text of [
      ...wrong,
      '1990-01-02T00:00:00',
      '1990-01-02 ',
      '12345678',
      '1990-01-02T00:00:00+99:00',
      '９０-01-02',
    ]) {
      assert.equal(read(text), undefined, text);
    }
  });
});
