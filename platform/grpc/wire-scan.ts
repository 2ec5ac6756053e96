import { isUtf8 } from 'node:buffer';
import type { FieldViolation } from '../kernel/field-violation.js';
import type { FieldShape, MessageShape } from './request-shape.js';

/** How much of a request is decoded at all. Above that nothing of it is built, however it is made. */
export interface DecodeBounds {
  /**
   * Entries that a list may have at most, by its name in lowerCamelCase, as the API's clients are told. Up to
   * `listEntries` that is left to those who check the request, who find more to say of it.
   * @default listEntries
   */
  readonly entriesOf?: Readonly<Record<string, number>>;
  /** Entries of any list. @default 10000 */
  readonly listEntries?: number;
  /** Fields in all, at every level, known or not; an entry of a list counts as one. @default 100000 */
  readonly fields?: number;
  /** Messages within messages, as protobuf's own parsers bound them. @default 100 */
  readonly depth?: number;
}

/** So many invalid texts are named: a status travels in trailers. */
const MAX_NAMED = 30;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

const nothing: Uint8Array = new Uint8Array();

/** Thrown and caught in here only. */
class Refused extends Error {
  constructor(readonly violation: FieldViolation) {
    super(violation.fault.kind);
  }
}

/** Where a scan is, one a level; kept from message to message, so that scanning allocates nothing. */
interface Level {
  field: FieldShape | undefined;
  /** In its list; -1 outside of any. */
  index: number;
  /** Of a map's entry: where in the bytes its name is. */
  keyStart: number;
  keyEnd: number;
  /** How often the level's lists have come so far, by field number. */
  readonly counts: Map<number, number>;
}

/**
 * Looks through a request's bytes before any of it is decoded: a list of a million empty messages takes two bytes an
 * entry on the wire, and a hundred times that, and seconds, as objects. Looks at no more tags than the bounds allow for.
 */
export class WireScan {
  readonly #bounds: Required<DecodeBounds>;
  readonly #levels: Level[] = [];
  #bytes = nothing;
  #at = 0;
  #fields = 0;
  /** Undefined while texts are not looked at. */
  #invalidTexts: FieldViolation[] | undefined;

  constructor(
    private readonly shape: MessageShape,
    bounds: DecodeBounds = {},
  ) {
    this.#bounds = { entriesOf: {}, listEntries: 10_000, fields: 100_000, depth: 100, ...bounds };
  }

  /** Why the request must not be decoded: it is too large, or no message at all. Undefined: it may be. */
  refusal(request: Uint8Array): FieldViolation | undefined {
    try {
      this.#begin(request);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof Refused) return thrown.violation;
      throw thrown;
    }
  }

  /** The first texts that are not UTF-8, of a request that `refusal` lets pass. */
  invalidTexts(request: Uint8Array): readonly FieldViolation[] {
    const found: FieldViolation[] = (this.#invalidTexts = []);
    try {
      this.#begin(request);
    } finally {
      this.#invalidTexts = undefined;
    }
    return found;
  }

  #begin(request: Uint8Array): void {
    this.#bytes = request;
    this.#fields = 0;
    try {
      this.#scan(this.shape, 0, request.length, 0);
    } finally {
      // Not to keep it.
      this.#bytes = nothing;
    }
  }

  /** Counts what this level holds, and only then looks into it. */
  #scan(shape: MessageShape, start: number, end: number, depth: number): void {
    if (depth > this.#bounds.depth) {
      const fault = { kind: 'malformed', expected: `nested at most ${this.#bounds.depth} levels deep` } as const;
      throw new Refused({ path: this.#path(depth), fault });
    }
    const level = (this.#levels[depth] ??= { field: undefined, index: -1, keyStart: 0, keyEnd: 0, counts: new Map() });
    this.#count(shape, start, end, depth, level);
    level.counts.clear();
    this.#at = start;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = shape.fields.get(tag >>> 3);
      if ((tag & 7) !== LENGTH_DELIMITED) {
        this.#skip(tag, end);
        continue;
      }
      const valueStart = this.#length(end);
      const valueEnd = this.#at;
      if (field === undefined) continue;
      this.#enter(level, shape, field, valueStart, valueEnd);
      if (field.message !== undefined) {
        this.#scan(field.message, valueStart, valueEnd, depth + 1);
        this.#at = valueEnd;
      } else if (field.isText) {
        this.#checkText(valueStart, valueEnd, depth);
      }
    }
    level.field = undefined;
  }

  #count(shape: MessageShape, start: number, end: number, depth: number, level: Level): void {
    const { counts } = level;
    const { listEntries, fields: maxFields } = this.#bounds;
    counts.clear();
    level.field = undefined;
    this.#at = start;
    while (this.#at < end && this.#fields <= maxFields) {
      const tag = this.#varint(end);
      if (tag >>> 3 === 0) throw malformed();
      this.#skip(tag, end);
      this.#fields += 1;
      const field = shape.fields.get(tag >>> 3);
      if (field?.isRepeated === true) counts.set(field.number, (counts.get(field.number) ?? 0) + 1);
    }
    for (const [number, entries] of counts) {
      if (entries <= listEntries) continue;
      level.field = shape.fields.get(number);
      level.index = -1;
      const maximum = this.#bounds.entriesOf[this.#nameAt(depth)] ?? listEntries;
      throw new Refused({ path: this.#path(depth + 1), fault: { kind: 'too-many', maximum } });
    }
    if (this.#fields > maxFields) {
      throw new Refused({ path: 'request', fault: { kind: 'too-many-values', maximum: maxFields } });
    }
  }

  #enter(level: Level, shape: MessageShape, field: FieldShape, start: number, end: number): void {
    if (shape.isMapEntry && field.number === 1) {
      level.keyStart = start;
      level.keyEnd = end;
    }
    level.field = field;
    level.index = -1;
    if (!field.isRepeated) return;
    const index = level.counts.get(field.number) ?? 0;
    level.counts.set(field.number, index + 1);
    level.index = index;
  }

  #checkText(start: number, end: number, depth: number): void {
    if (this.#invalidTexts === undefined || this.#invalidTexts.length >= MAX_NAMED) return;
    if (isUtf8(this.#bytes.subarray(start, end))) return;
    this.#invalidTexts.push({ path: this.#path(depth + 1), fault: { kind: 'not-utf8' } });
  }

  /** Passes a field of any type. */
  #skip(tag: number, end: number): void {
    switch (tag & 7) {
      case VARINT:
        this.#varint(end);
        return;
      case FIXED64:
        return this.#advance(8, end);
      case LENGTH_DELIMITED:
        this.#length(end);
        return;
      case GROUP_START:
        return this.#skipGroup(end);
      case FIXED32:
        return this.#advance(4, end);
      default:
        throw malformed();
    }
  }

  /** No message of ours has one; a parser must know how to pass it. */
  #skipGroup(end: number): void {
    for (let open = 1; open > 0;) {
      if (this.#at >= end || open > this.#bounds.depth) throw malformed();
      const tag = this.#varint(end);
      this.#fields += 1;
      if ((tag & 7) === GROUP_START) open += 1;
      else if ((tag & 7) === GROUP_END) open -= 1;
      else this.#skip(tag, end);
    }
  }

  /** Passes a length and what it measures. @returns where that begins */
  #length(end: number): number {
    const length = this.#varint(end);
    const start = this.#at;
    this.#advance(length, end);
    return start;
  }

  #advance(length: number, end: number): void {
    if (length > end - this.#at) throw malformed();
    this.#at += length;
  }

  /** The lower 32 bits of a varint, which is all that tags and lengths have. */
  #varint(end: number): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= end) throw malformed();
      const byte = this.#bytes[this.#at] as number;
      this.#at += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed();
  }

  /** The name of the field in which the scan is: the declared one, or a map's key. */
  #nameAt(depth: number): string {
    for (let place = depth; place >= 0; place -= 1) {
      const name = this.#ownName(place);
      if (name !== undefined) return name;
    }
    return '';
  }

  /** Undefined when the level's field has no name of its own. */
  #ownName(place: number): string | undefined {
    const { field, keyStart, keyEnd } = this.#levels[place] as Level;
    const parent = place === 0 ? undefined : this.#levels[place - 1]?.field?.message;
    if (field === undefined || parent?.isTransparent === true) return undefined;
    if (parent?.isMapEntry !== true) return field.name;
    return field.number === 2
      ? Buffer.from(this.#bytes.subarray(keyStart, Math.min(keyEnd, keyStart + 64))).toString()
      : undefined;
  }

  /** Of the fields of so many levels, such as `messages[2].toAccountIds[0]`. */
  #path(levels: number): string {
    let path = '';
    for (let place = 0; place < Math.min(levels, this.#levels.length); place += 1) {
      const name = this.#ownName(place);
      if (name !== undefined) path += path === '' ? name : `.${name}`;
      const { field, index } = this.#levels[place] as Level;
      // A map's entries have names in place of numbers.
      if (index >= 0 && field?.message?.isMapEntry !== true) path += `[${index}]`;
    }
    return path;
  }
}

function malformed(): Refused {
  return new Refused({ path: 'request', fault: { kind: 'malformed', expected: 'a message of the declared type' } });
}
