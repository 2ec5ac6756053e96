/** What can be wrong with one field of a request. Each API puts it into its own words. */
export type FieldFault =
  | { readonly kind: 'missing' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'ulid-length'; readonly length: number }
  | { readonly kind: 'ulid-character'; readonly character: string }
  | { readonly kind: 'ulid-overflow' }
  /** Lengths in characters (Unicode code points). */
  | { readonly kind: 'too-long'; readonly maximum: number; readonly actual: number }
  /** Nobody has counted on when `actual` is absent. */
  | { readonly kind: 'too-many'; readonly maximum: number; readonly actual?: number }
  | { readonly kind: 'too-large'; readonly maximumBytes: number }
  /** All lists and fields of the request together. */
  | { readonly kind: 'too-many-values'; readonly maximum: number }
  | { readonly kind: 'not-an-integer' }
  | { readonly kind: 'out-of-range'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'not-utf8' }
  | { readonly kind: 'malformed'; readonly expected: string }
  /** It names something that is not there. */
  | { readonly kind: 'not-found'; readonly what: string }
  /** More fields are wrong than are worth naming. */
  | { readonly kind: 'and-more'; readonly count: number };

/** A field, by its path in lowerCamelCase such as `messages[2].toAccountIds[0]`, and what is wrong with it. */
export interface FieldViolation {
  readonly path: string;
  readonly fault: FieldFault;
}

/** A request that breaks the rules of its format. Thrown at the edge, before anything is decided. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';

  /** @param summary what people are told of it all. @default the first few fields, each with what is wrong */
  constructor(
    readonly violations: readonly FieldViolation[],
    readonly summary?: string,
  ) {
    super(violations.map(({ path, fault }) => `${path}: ${describeFault(fault)}`).join('; '));
  }
}

/** The fault in plain words, without the field's name. */
export function describeFault(fault: FieldFault): string {
  switch (fault.kind) {
    case 'missing':
      return 'is required';
    case 'empty':
      return 'must not be empty';
    case 'ulid-length':
      return `must be a ULID of 26 characters, has ${fault.length}`;
    case 'ulid-character':
      return `must be a ULID, ${JSON.stringify(fault.character)} is not a character of Crockford's base32`;
    case 'ulid-overflow':
      return 'must be a ULID of at most 7ZZZZZZZZZZZZZZZZZZZZZZZZZ';
    case 'too-long':
      return `must have at most ${fault.maximum} characters, has ${fault.actual}`;
    case 'too-many':
      return `must have at most ${fault.maximum} entries${fault.actual === undefined ? '' : `, has ${fault.actual}`}`;
    case 'too-large':
      return `must have at most ${fault.maximumBytes} bytes in all`;
    case 'too-many-values':
      return `must have at most ${fault.maximum} values in all`;
    case 'not-an-integer':
      return 'must be a whole number';
    case 'out-of-range':
      return `must be from ${fault.minimum} to ${fault.maximum}`;
    case 'not-utf8':
      return 'must be valid UTF-8';
    case 'malformed':
      return `must be ${fault.expected}`;
    case 'not-found':
      return `${fault.what} is not found`;
    case 'and-more':
      return `and ${fault.count} more`;
  }
}

/** `messages[2].toAccountIds[0]` → `messages[2].to_account_ids[0]`. */
export function snakeCasePath(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
