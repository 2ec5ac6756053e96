import type { FieldFault, FieldViolation } from './field-violation.js';
import { InvalidRequest } from './field-violation.js';
import { failure, success, type Result } from './result.js';
import { parseUlid } from './ulid.js';

/** So many violations are named: a status travels in trailers, of which some clients take no more than 8 KiB. */
const MAX_NAMED_VIOLATIONS = 30;

/**
 * Checks the fields of one request and collects all that is wrong, not just the first. Each check
 * returns the value to go on with; what it returns for a wrong field is never used, because
 * `finish` fails then.
 */
export class RequestChecks {
  readonly #violations: FieldViolation[] = [];
  #unnamed = 0;

  /** Records a violation of a rule that has no check of its own here. */
  add(path: string, fault: FieldFault): void {
    if (this.#violations.length < MAX_NAMED_VIOLATIONS) this.#violations.push({ path, fault });
    else this.#unnamed += 1;
  }

  /** A ULID in upper case. */
  ulid(path: string, text: string): string {
    const parsed = parseUlid(text);
    if (parsed.ok) return parsed.value;
    this.add(path, parsed.error);
    return text;
  }

  /** A ULID, or undefined when the field is absent. */
  optionalUlid(path: string, text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.ulid(path, text);
  }

  /** Distinct ULIDs in upper case, in their first order. `minimum` @default 0 */
  ulids(path: string, texts: readonly string[], bounds: { minimum?: number; maximum: number }): string[] {
    if (texts.length < (bounds.minimum ?? 0)) this.add(path, { kind: 'empty' });
    if (texts.length > bounds.maximum) {
      this.add(path, { kind: 'too-many', maximum: bounds.maximum, actual: texts.length });
      return [];
    }
    return [...new Set(texts.map((text, index) => this.ulid(`${path}[${index}]`, text)))];
  }

  /** A text whose length is counted in Unicode code points. `minimum` @default 0 */
  text(path: string, text: string, bounds: { minimum?: number; maximum: number }): string {
    // A string has at least half as many code points as UTF-16 units, so most need no counting.
    const length = text.length <= bounds.maximum ? text.length : countCodePoints(text);
    if (length < (bounds.minimum ?? 0)) this.add(path, { kind: 'empty' });
    if (length > bounds.maximum) this.add(path, { kind: 'too-long', maximum: bounds.maximum, actual: length });
    return text;
  }

  /** A whole number within bounds, both inclusive. */
  integer(path: string, value: number, bounds: { minimum: number; maximum: number }): number {
    if (!Number.isInteger(value)) this.add(path, { kind: 'not-an-integer' });
    else if (value < bounds.minimum || value > bounds.maximum) this.add(path, { kind: 'out-of-range', ...bounds });
    return value;
  }

  /** `value` if every check passed, or all violations. */
  finish<T>(value: T): Result<T, readonly FieldViolation[]> {
    if (this.#violations.length === 0) return success(value);
    if (this.#unnamed === 0) return failure(this.#violations);
    return failure([...this.#violations, { path: 'request', fault: { kind: 'and-more', count: this.#unnamed } }]);
  }
}

/** The value, or throws what is wrong as an InvalidRequest. */
export function orInvalidRequest<T>(result: Result<T, readonly FieldViolation[]>): T {
  if (result.ok) return result.value;
  throw new InvalidRequest(result.error);
}

function countCodePoints(text: string): number {
  // A low surrogate behind a high one is the second half of a code point. Not by iterating, which takes ten times as long.
  let count = text.length;
  for (let index = 1; index < text.length; index += 1) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
    if (isPair) count -= 1;
  }
  return count;
}
