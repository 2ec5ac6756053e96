import type { FieldFault, FieldViolation } from '../kernel/field-violation.js';
import { describeFault, InvalidRequest, snakeCasePath } from '../kernel/field-violation.js';

/** How one of the older APIs words what is wrong with a request. */
export interface LegacyWording {
  /** A field as the API's clients know it, from its path in lowerCamelCase. @default the path itself */
  readonly nameOf?: (path: string) => string;
  /** Texts that clients compare with, by path in lowerCamelCase and kind of fault. They stand alone, without a name. */
  readonly exactTexts?: LegacyExactTexts;
}

export type LegacyExactTexts = Readonly<Record<string, Readonly<Partial<Record<FieldFault['kind'], string>>>>>;

/** The older gRPC APIs: fields by the names in the .proto. */
export const legacyGrpcWording: LegacyWording = { nameOf: snakeCasePath };

/**
 * An invalid request of an older REST API. Its status message is the texts, one a line: Envoy makes them the
 * `error_messages` of a 400.
 */
class LegacyInvalidRequest extends InvalidRequest {
  constructor(
    violations: readonly FieldViolation[],
    /** One for each violation, none with a line break. */
    readonly texts: readonly string[],
  ) {
    super(violations, texts.join('\n'));
  }
}

/** The same fault in an older API's words; made for `UnaryServiceOptions.rephrase`. */
export function inLegacyWords(error: InvalidRequest, wording: LegacyWording = {}): LegacyInvalidRequest {
  return new LegacyInvalidRequest(error.violations, legacyTexts(error.violations, wording));
}

/** What is wrong with a request, one text for each field. */
export function legacyTexts(violations: readonly FieldViolation[], wording: LegacyWording = {}): string[] {
  return violations.map(({ path, fault }) => legacyFaultText(path, fault, wording));
}

/** What is wrong with one field, as the older system said it. Never holds a line break or another control character. */
export function legacyFaultText(path: string, fault: FieldFault, wording: LegacyWording = {}): string {
  const { nameOf = (same: string) => same, exactTexts = {} } = wording;
  const exact = Object.hasOwn(exactTexts, path) ? exactTexts[path]?.[fault.kind] : undefined;
  return escapeControlCharacters(exact ?? `${nameOf(path)}: ${legacyDescription(fault)}`);
}

function legacyDescription(fault: FieldFault): string {
  switch (fault.kind) {
    case 'ulid-length':
      return 'ulidString must be exactly 26 chars long.';
    case 'ulid-character':
      return `Illegal character '${fault.character}'!`;
    case 'ulid-overflow':
      return "ulidString must not exceed '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'!";
    default:
      return describeFault(fault);
  }
}

/** Texts are joined by line breaks on their way to Envoy, so none may hold one of its own. */
function escapeControlCharacters(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
