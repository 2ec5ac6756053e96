import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { RequestChecks } from '../kernel/request-checks.js';
import { parseLegacyWindow } from './legacy-window.js';

function parse(texts: { offset?: string; limit?: string }) {
  const checks = new RequestChecks();
  return checks.finish(parseLegacyWindow(checks, texts));
}

describe('offset and limit of the older APIs', () => {
  it('are 0 and 100 when absent', () => {
    assert.deepEqual(parse({}), { ok: true, value: { offset: 0, limit: 100 } });
  });

  it('are lowered where they are too large', () => {
    const huge = '9'.repeat(40);
    assert.deepEqual(parse({ offset: '7', limit: '5000' }), { ok: true, value: { offset: 7, limit: 5_000 } });
    assert.deepEqual(parse({ limit: '5001' }), { ok: true, value: { offset: 0, limit: 5_000 } });
    assert.deepEqual(parse({ offset: huge, limit: huge }), {
      ok: true,
      value: { offset: Number.MAX_SAFE_INTEGER, limit: 5_000 },
    });
  });

  it('must be numbers, whole and not negative: each that is not is named', () => {
    for (const wrong of ['abc', '', ' ', '1.5', '1e3', '0x10', 'NaN', '１', '1\n', '1; DROP TABLE threads']) {
      const result = parse({ offset: wrong, limit: wrong });
      assert.ok(!result.ok, JSON.stringify(wrong));
      assert.deepEqual(
        result.error.map(({ path, fault }) => [path, fault.kind]),
        [
          ['offset', 'not-an-integer'],
          ['limit', 'not-an-integer'],
        ],
      );
    }
    const result = parse({ offset: '-1', limit: `-${'9'.repeat(50)}` });
    assert.ok(!result.ok);
    assert.deepEqual(
      result.error.map(({ path, fault }) => [path, fault.kind]),
      [
        ['offset', 'out-of-range'],
        ['limit', 'out-of-range'],
      ],
    );
  });
});
