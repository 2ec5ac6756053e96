import assert from 'node:assert/strict';
import { RequestChecks } from './request-checks.js';

const GOOD = '01DB5QXD4NP0XQTV92K42B3XBF';

describe('RequestChecks', () => {
  it('names every failing field', () => {
    const checks = new RequestChecks();
    checks.ulid('accountId', 'x');
    checks.text('title', 'x'.repeat(256), { maximum: 255 });
    checks.ulids('administratorIds', [], { minimum: 1, maximum: 10 });
    checks.ulids('memberIds', [GOOD, 'y'], { maximum: 10 });
    checks.integer('createAt', -1, { minimum: 0, maximum: 10 });
    const result = checks.finish({});
    assert.ok(!result.ok);
    assert.deepEqual(
      result.error.map(({ path, fault }) => [path, fault.kind]),
      [
        ['accountId', 'ulid-length'],
        ['title', 'too-long'],
        ['administratorIds', 'empty'],
        ['memberIds[1]', 'ulid-length'],
        ['createAt', 'out-of-range'],
      ],
    );
  });

  it('counts characters, not UTF-16 units', () => {
    for (const [text, isRight] of [
      ['😀'.repeat(255), true],
      ['😀'.repeat(256), false],
      [`${'a'.repeat(254)}😀`, true],
      [`${'a'.repeat(255)}😀`, false],
      ['e\u0301'.repeat(127), true],
    ] as const) {
      const checks = new RequestChecks();
      checks.text('text', text, { minimum: 1, maximum: 255 });
      assert.equal(checks.finish({}).ok, isRight);
    }
  });

  it('gives distinct ids in upper case, in their first order', () => {
    const checks = new RequestChecks();
    const other = '01DB5QXD4NP0XQTV92K42B3XBG';
    assert.deepEqual(checks.ulids('ids', [other, GOOD.toLowerCase(), GOOD, other], { maximum: 10 }), [other, GOOD]);
  });

  it('names some of very many violations and counts the rest', () => {
    const checks = new RequestChecks();
    checks.ulids(
      'ids',
      Array.from({ length: 1_000 }, () => 'x'),
      { maximum: 1_000 },
    );
    const result = checks.finish({});
    assert.ok(!result.ok);
    assert.ok(result.error.length <= 50);
    const last = result.error.at(-1)?.fault;
    assert.ok(last?.kind === 'and-more');
    assert.equal(result.error.length - 1 + last.count, 1_000);
  });

  for (const value of [NaN, Infinity, -Infinity, 5.5, 1e300, -1]) {
    it(`takes no ${value} for a time`, () => {
      const checks = new RequestChecks();
      checks.integer('createAt', value, { minimum: 0, maximum: 253_402_300_799_999 });
      assert.equal(checks.finish({}).ok, false);
    });
  }
});
