import type { SeededRandom } from '../chaos/random.js';

const GOOD_ULID = '01DB5QXD4NP0XQTV92K42B3XBF';

/** Texts that have broken something somewhere. Bytes are no UTF-8. */
const texts: readonly (string | Uint8Array)[] = [
  ...['', ' ', '\0', 'a\0b', '\n', '\r\n\r\n', '%', '%00', '%s%n', '..', '../../etc/passwd', '*', '>', '$', '`id`'],
  ...["' OR '1'='1' -- ", '"; DROP TABLE threads; --', '<script>alert(1)</script>', '${jndi:ldap://x}', '{{7*7}}'],
  ...[
    '\u202e\u2066evil\u2069',
    '\ufeff',
    '\u2028',
    '\u200d\u200d',
    'e\u0301'.repeat(127),
    '😀',
    '👩‍❤️‍💋‍👨',
    '🏿',
    '🇫',
    'ß',
    'ﬆ',
    'İ',
    'ſ',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'NaN',
    '-1',
    '1e999',
    '9223372036854775808',
    '0x10',
    'null',
    'true',
    '[]',
    '{}',
  ],
  ...[
    'x'.repeat(255),
    'x'.repeat(256),
    '😀'.repeat(255),
    '😀'.repeat(256),
    'x'.repeat(4_096),
    'x'.repeat(70_000),
    '\u0300'.repeat(300),
  ],
  ...[
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0xc0, 0x80]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xf4, 0x90, 0x80, 0x80]),
    Buffer.from([0x61, 0xe2, 0x82]),
  ],
];

const ulids: readonly string[] = [
  ...[GOOD_ULID.toLowerCase(), '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', '00000000000000000000000000'],
  ...[
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    'ZZZZZZZZZZZZZZZZZZZZZZZZZZ',
    GOOD_ULID.slice(1),
    `${GOOD_ULID}0`,
    ` ${GOOD_ULID.slice(1)}`,
  ],
  ...[
    `${GOOD_ULID.slice(0, 25)}U`,
    `${GOOD_ULID.slice(0, 25)}i`,
    `${GOOD_ULID.slice(0, 25)}\n`,
    `${GOOD_ULID.slice(0, 25)}\0`,
  ],
  ...[
    `${GOOD_ULID.slice(0, 25)}ſ`,
    `${GOOD_ULID.slice(0, 24)}ß`,
    `${GOOD_ULID.slice(0, 24)}ﬆ`,
    `${GOOD_ULID.slice(0, 25)}Ｆ`,
    `${GOOD_ULID.slice(0, 25)}٣`,
  ],
];

const integers: readonly bigint[] = [
  ...[
    0n,
    1n,
    -1n,
    2n,
    100n,
    1_000n,
    1_001n,
    2n ** 31n - 1n,
    2n ** 31n,
    -(2n ** 31n),
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
  ],
  ...[2n ** 63n - 1n, -(2n ** 63n), 253_402_300_799_999n, 253_402_300_800_000n],
];

export function hostileText(random: SeededRandom): string | Uint8Array {
  return random.pick(texts);
}

export function hostileId(random: SeededRandom): string | Uint8Array {
  return random.chance(60) ? random.pick(ulids) : random.pick(texts);
}

export function hostileInteger(random: SeededRandom): bigint {
  return random.pick(integers);
}

/** As the .proto defines a ULID: Crockford's base32 in either case of ASCII, at most 128 bits. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/.test(text) && text.length === 26;
}

/** Bytes of no meaning. */
export function noise(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.integer(0, 255)));
}
