import { InvalidRequest, type FieldFault, type FieldViolation } from './field-violation.js';

/**
 * The fields of a JSON object whose types nobody has checked. What has another type than it must have is recorded and
 * read as absent; null is the same as absent.
 */
export class JsonFields {
  constructor(
    private readonly object: Readonly<Record<string, unknown>>,
    private readonly wrong: FieldViolation[] = [],
    private readonly prefix = '',
  ) {}

  text(name: string): string | undefined {
    const value = this.object[name] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    this.#add(name, 'a string');
    return undefined;
  }

  /** A number, also one in a string, which JSON writers use for 64-bit integers. */
  number(name: string): number | undefined {
    const value = this.object[name] ?? undefined;
    if (value === undefined || typeof value === 'number') return value;
    if (typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value);
    this.#add(name, 'a number');
    return undefined;
  }

  /** @default none */
  texts(name: string): string[] {
    return this.#list(name, 'a list of strings').map((value, index) => {
      if (typeof value === 'string') return value;
      this.#add(`${name}[${index}]`, 'a string');
      // Keeps its place, so that those behind it keep their numbers.
      return '';
    });
  }

  /** @default none */
  objects(name: string): JsonFields[] {
    return this.#list(name, 'a list of objects').map((value, index) => {
      const path = `${this.prefix}${name}[${index}].`;
      if (isObject(value)) return new JsonFields(value, this.wrong, path);
      this.#add(`${name}[${index}]`, 'an object');
      return new JsonFields({}, this.wrong, path);
    });
  }

  /**
   * What `read` makes of the fields.
   * @throws InvalidRequest with what has a wrong type and with what `read` finds, each field once
   */
  check<T>(read: () => T): T {
    let result: T | undefined;
    const violations: FieldViolation[] = [];
    try {
      result = read();
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error;
      violations.push(...error.violations);
    }
    // A field that was read as absent is not empty or missing as well.
    const others = violations.filter(({ path }) => !this.wrong.some((own) => isWithin(own.path, path)));
    if (this.wrong.length + others.length > 0) throw new InvalidRequest([...this.wrong, ...others]);
    return result as T;
  }

  #list(name: string, expected: string): unknown[] {
    const value = this.object[name] ?? [];
    if (Array.isArray(value)) return value;
    this.#add(name, expected);
    return [];
  }

  #add(name: string, expected: string): void {
    const fault: FieldFault = { kind: 'malformed', expected };
    if (this.wrong.length < MAX_NAMED) this.wrong.push({ path: `${this.prefix}${name}`, fault });
  }
}

/** As many as a status can carry; see RequestChecks. */
const MAX_NAMED = 30;

/** True for the field itself and for what is in it: `a[0].b` is within `a`. */
function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}[`) || path.startsWith(`${outer}.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
