import type { FieldFault } from './field-violation.js';
import { failure, success, type Result } from './result.js';

const ULID_LENGTH = 26;
/** In either case. Looks at the text itself: toUpperCase makes an S of ſ, and two of ß. */
const format = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const alphabet = /^[0-9A-HJKMNP-TV-Z]$/i;

/**
 * A ULID in its canonical form, upper case, or what is wrong with the text.
 * Format: https://github.com/ulid/spec, 26 characters of Crockford's base32 without I, L, O, U;
 * 128 bits, so that the first character is at most 7. Lower case is accepted.
 */
export function parseUlid(text: string): Result<string, FieldFault> {
  if (format.test(text)) return success(text.toUpperCase());
  const characters = [...text];
  if (characters.length !== ULID_LENGTH) return failure({ kind: 'ulid-length', length: characters.length });
  const illegal = characters.find((character) => !alphabet.test(character));
  if (illegal !== undefined) return failure({ kind: 'ulid-character', character: illegal });
  return failure({ kind: 'ulid-overflow' });
}
