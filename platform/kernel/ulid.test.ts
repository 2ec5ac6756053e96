import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ulid } from 'ulid';
import { parseUlid } from './ulid.js';

describe('parseUlid', () => {
  it('gives the canonical upper case', () => {
    assert.deepEqual(parseUlid('01db5qxd4np0xqtv92k42b3xbf'), { ok: true, value: '01DB5QXD4NP0XQTV92K42B3XBF' });
    assert.deepEqual(parseUlid('7ZZZZZZZZZZZZZZZZZZZZZZZZZ'), { ok: true, value: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ' });
  });

  it('takes every ULID that the library makes', () => {
    for (let count = 0; count < 100; count += 1) assert.ok(parseUlid(ulid()).ok);
  });

  for (const [text, fault] of [
    ['', { kind: 'ulid-length', length: 0 }],
    ['01DB5QXD4NP0XQTV92K42B3XB', { kind: 'ulid-length', length: 25 }],
    ['01DB5QXD4NP0XQTV92K42B3XBFF', { kind: 'ulid-length', length: 27 }],
    ['01DB5QXD4NP0XQTV92K42B3XBU', { kind: 'ulid-character', character: 'U' }],
    ['01DB5QXD4NP0XQTV92K42B3Xi*', { kind: 'ulid-character', character: 'i' }],
    ['*.>DB5QXD4NP0XQTV92K42B3XB', { kind: 'ulid-character', character: '*' }],
    ['01DB5QXD4NP0XQTV92K42B3X😀F', { kind: 'ulid-character', character: '😀' }],
    // Each of them turns into letters of the alphabet in upper case.
    ['01DB5QXD4NP0XQTV92K42B3XBſ', { kind: 'ulid-character', character: 'ſ' }],
    ['01DB5QXD4NP0XQTV92K42B3Xß', { kind: 'ulid-length', length: 25 }],
    ['01DB5QXD4NP0XQTV92K42B3Xﬆß', { kind: 'ulid-character', character: 'ﬆ' }],
    ['8ZZZZZZZZZZZZZZZZZZZZZZZZZ', { kind: 'ulid-overflow' }],
  ] as const) {
    it(`says what is wrong with ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseUlid(text), { ok: false, error: fault });
    });
  }

  it('never throws and never lets through what means something to a broker', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const parsed = parseUlid(text);
        if (parsed.ok) assert.match(parsed.value, /^[0-7][0-9A-Z]{25}$/);
      }),
    );
  });
});
