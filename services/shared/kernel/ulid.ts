import type { FieldFault } from './field-violation.js';
import { failure, success, type Result } from './result.js';

const ULID_LENGTH = 26;
const canonical = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const alphabet = /^[0-9A-HJKMNP-TV-Z]$/;

/**
 * A ULID in its canonical form, upper case, or what is wrong with the text.
 * Format: https://github.com/ulid/spec, 26 characters of Crockford's base32 without I, L, O, U;
 * 128 bits, so that the first character is at most 7. Lower case is accepted.
 */
export function parseUlid(text: string): Result<string, FieldFault> {
  const upper = text.toUpperCase();
  if (canonical.test(upper)) return success(upper);
  const characters = [...text];
  if (characters.length !== ULID_LENGTH) return failure({ kind: 'ulid-length', length: characters.length });
  const illegal = characters.find((character) => !alphabet.test(character.toUpperCase()));
  if (illegal !== undefined) return failure({ kind: 'ulid-character', character: illegal });
  return failure({ kind: 'ulid-overflow' });
}
