import assert from 'node:assert/strict';
import { keyRingText, newKeyRing, parseKeyRing, publicKeys, rotated, signingKey } from './key-ring.js';

const now = Date.UTC(2026, 0, 31, 12);
const minute = 60_000;
const options = { publishAheadMs: 25 * minute, tokenLifeMs: 60 * minute };
const idsOf = (ring: Parameters<typeof publicKeys>[0], time: number): (string | undefined)[] =>
  publicKeys(ring, time).keys.map(({ kid }) => kid);

describe('the ring of keys', () => {
  it('publishes a new key first, signs by it later, and retires the old one when its last token is over', async () => {
    const ring = await newKeyRing(now);
    const [old] = ring.keys;
    const both = await rotated(ring, now + minute, options);
    const next = both.keys[1];
    assert.ok(old && next);
    const at = (minutes: number): number => now + minutes * minute;
    for (const [minutes, signs, known] of [
      [1, old.id, [old.id, next.id]],
      [25.9, old.id, [old.id, next.id]],
      [26, next.id, [old.id, next.id]],
      [85.9, next.id, [old.id, next.id]],
      [86, next.id, [next.id]],
    ] as const) {
      assert.equal(signingKey(both, at(minutes)).id, signs, `${minutes} minutes`);
      assert.deepEqual(idsOf(both, at(minutes)), known, `${minutes} minutes`);
    }
    const third = await rotated(both, at(100), options);
    assert.equal(third.keys.length, 2, 'what has retired is gone');
  });

  it('refuses a second rotation before the first is through: nobody would know its key', async () => {
    const both = await rotated(await newKeyRing(now), now, options);
    await assert.rejects(rotated(both, now + minute, options), { reason: 'ROTATION_UNDER_WAY' });
  });

  it('shows nothing but the public halves', async () => {
    const [shown] = publicKeys(await newKeyRing(now), now).keys;
    assert.deepEqual(Object.keys(shown ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('comes back from its file as it was', async () => {
    const ring = await rotated(await newKeyRing(now), now, options);
    const read = parseKeyRing(keyRingText(ring));
    assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(ring)));
  });

  it('says what is wrong with a file, and shows none of it', async () => {
    const good = JSON.parse(keyRingText(await newKeyRing(now))) as { keys: Record<string, unknown>[] };
    const [key] = good.keys;
    const secret = (key?.jwk as { d: string }).d;
    const broken: [text: string, says: RegExp][] = [
      [`{"keys": [${secret}`, /no JSON/],
      ['[]', /no object/],
      ['{"keys":[]}', /no list of keys/],
      [JSON.stringify({ keys: [{ ...key, signFrom: secret }] }), /key 1's signFrom is no time/],
      [JSON.stringify({ keys: [{ ...key, id: '' }] }), /key 1 has no id/],
      [JSON.stringify({ keys: [{ ...key, jwk: { kty: 'oct', k: secret } }] }), /key 1 is no pair/],
    ];
    for (const [text, says] of broken) {
      assert.throws(
        () => parseKeyRing(text),
        (error: Error) => says.test(error.message) && !error.message.includes(secret),
      );
    }
  });
});
