import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { SeededRandom } from '../chaos/random.js';
import { ruleOf } from './field-rules.js';
import { hostileId, hostileInteger, hostileText, isUlid, noise } from './hostile-values.js';

/** Ids that mean something, so that requests get past their checks. */
export interface KnownIds {
  readonly accounts: readonly string[];
  readonly threads: readonly string[];
  readonly messages: readonly string[];
}

export interface RandomMessage {
  readonly bytes: Buffer;
  /** Fields that break their rules, as a google.rpc.BadRequest names them. */
  readonly violations: readonly string[];
  /** Whether the model knows every rule, so that a message without violations must be taken as valid. */
  readonly isCertain: boolean;
  /** Whether the answer must name the violations: not when there are more than it names, or bytes are broken. */
  readonly isNamed: boolean;
}

/** So many violations are named, at most. */
const MOST_NAMED = 30;
const MOST_DEPTH = 4;
const STRING_OF_VALUE = 3;

/** Makes a message of a type: valid, or with hostile values in some fields, or broken as bytes. */
export function randomMessage(type: DescMessage, ids: KnownIds, random: SeededRandom): RandomMessage {
  const generator = new Generator(ids, random, random.pick([0, 0, 5, 30]));
  const message = generator.message(type, '', 0);
  if (random.chance(12)) return { ...broken(message, random), violations: [], isCertain: false, isNamed: false };
  const { notUtf8, violations, isOverCount } = generator;
  const isNamed = !isOverCount && violations.length <= MOST_NAMED && notUtf8.length <= MOST_NAMED;
  // Of what is no UTF-8, nothing else is checked.
  return notUtf8.length > 0
    ? { bytes: Buffer.from(message), violations: notUtf8, isCertain: false, isNamed }
    : { bytes: Buffer.from(message), violations, isCertain: generator.isCertain, isNamed };
}

class Generator {
  readonly violations: string[] = [];
  readonly notUtf8: string[] = [];
  isCertain = true;
  /** Some list is longer than it may be: that may be all that is said. */
  isOverCount = false;

  /** @param hostility how often a value is hostile, in percent */
  constructor(
    private readonly ids: KnownIds,
    private readonly random: SeededRandom,
    private readonly hostility: number,
  ) {}

  message(type: DescMessage, path: string, depth: number): Uint8Array {
    const writer = new BinaryWriter();
    const hasMask = type.fields.some(({ message }) => message?.typeName === 'google.protobuf.FieldMask');
    const chosen = new Map(type.oneofs.map((oneof) => [oneof, this.random.pick(oneof.fields)]));
    let places = 0;
    for (const field of type.fields) {
      if (field.oneof && chosen.get(field.oneof) !== field) continue;
      // Of before, after and around there is one at most.
      if (/^(before|after|around)_/.test(field.name) && (places += 1) > 1 && this.random.chance(95)) continue;
      if (/^(before|after|around)_/.test(field.name)) this.isCertain = false;
      this.#field(writer, field, path === '' ? field.name : `${path}.${field.name}`, depth, hasMask);
    }
    return writer.finish();
  }

  #field(writer: BinaryWriter, field: DescField, path: string, depth: number, isMasked: boolean): void {
    const { random } = this;
    const isHostile = random.chance(this.hostility);
    const rule = ruleOf(field);
    const isAbsent = isHostile ? random.chance(20) : isOptional(field) && random.chance(50);
    const isLeftOut = isAbsent && (field.proto.proto3Optional || field.name === 'page_token');
    if (rule.kind === 'unknown' || isMasked) this.isCertain &&= !isMasked && isLeftOut;
    if (field.fieldKind === 'list' || field.fieldKind === 'map') {
      const minimum = 'minimum' in rule ? Number(rule.minimum) : 0;
      const maximum = 'maximum' in rule ? Number(rule.maximum) : 20;
      const count = isAbsent ? 0 : isHostile ? random.pick([0, 1, 40, maximum, maximum + 1]) : random.integer(1, 3);
      if (count < minimum) this.violations.push(path);
      if (count > maximum && rule.kind !== 'unknown') {
        this.violations.push(path);
        this.isOverCount = true;
      }
      // One of many is hostile at most, so that long lists do not drown everything.
      for (let index = 0; index < count; index += 1) {
        const isOdd = isHostile && (count < 5 || index === count - 1);
        this.#value(writer, field, `${path}[${index}]`, depth, isOdd);
      }
    } else if (isAbsent) {
      if (!isOptional(field) && rule.kind === 'ulid') this.violations.push(path);
      if (rule.kind === 'text' && rule.minimum > 0) this.violations.push(path);
    } else this.#value(writer, field, path, depth, isHostile, isMasked);
  }

  #value(writer: BinaryWriter, field: DescField, path: string, depth: number, isHostile: boolean, isMasked = false) {
    const { random } = this;
    if (field.fieldKind === 'map') {
      const value =
        field.mapKind === 'message' && depth < MOST_DEPTH ? this.message(field.message, path, depth + 1) : [];
      const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string(`k${random.integer(0, 3)}`);
      entry.tag(2, WireType.LengthDelimited).bytes(Uint8Array.from(value));
      writer.tag(field.number, WireType.LengthDelimited).bytes(entry.finish());
      return;
    }
    if (field.message) {
      const isText = field.message.typeName === 'google.protobuf.Value' && !isHostile && !field.name.endsWith('s');
      const nested = isText
        ? new BinaryWriter().tag(STRING_OF_VALUE, WireType.LengthDelimited).string(this.#goodText(field.name)).finish()
        : depth < MOST_DEPTH
          ? this.message(field.message, path, depth + 1)
          : new Uint8Array();
      writer.tag(field.number, WireType.LengthDelimited).bytes(nested);
      return;
    }
    const scalar = field.fieldKind === 'list' ? field.scalar : field.fieldKind === 'scalar' ? field.scalar : undefined;
    switch (scalar) {
      case ScalarType.STRING:
        return this.#text(writer, field, path, isHostile, isMasked);
      case ScalarType.BYTES:
        return void writer.tag(field.number, WireType.LengthDelimited).bytes(noise(random, random.integer(0, 40)));
      case ScalarType.DOUBLE: {
        const value = random.pick([0, -0, 1, -1, 1e300, NaN, Infinity, -Infinity, 0.5, 10_000]);
        return void writer.tag(field.number, WireType.Bit64).double(value);
      }
      case ScalarType.FLOAT:
        return void writer.tag(field.number, WireType.Bit32).float(random.pick([0, NaN, Infinity, 1]));
      default: {
        // Integers, booleans and enums are varints, and the wire takes any there.
        const value = isHostile ? hostileInteger(random) : BigInt(random.integer(0, 3));
        const rule = ruleOf(field);
        const is32 = scalar !== ScalarType.INT64 && scalar !== ScalarType.UINT64;
        const read = BigInt.asIntN(is32 ? 32 : 64, value);
        if (rule.kind === 'integer' && (read < rule.minimum || read > rule.maximum)) this.violations.push(path);
        // The query waits for it: a version to come, of a thread that may not be there, takes its time.
        const isWaiting = rule.kind === 'integer' && field.name === 'min_version' && read > 0n && read <= rule.maximum;
        writer.tag(field.number, WireType.Varint).int64(isWaiting ? BigInt(random.integer(1, 20) === 1) : value);
      }
    }
  }

  #text(writer: BinaryWriter, field: DescField, path: string, isHostile: boolean, isMasked: boolean): void {
    const rule = ruleOf(field);
    const isId = rule.kind === 'ulid' || rule.kind === 'ulids';
    const text = !isHostile ? this.#goodText(field.name) : isId ? hostileId(this.random) : hostileText(this.random);
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    writer.tag(field.number, WireType.LengthDelimited).bytes(bytes);
    if (typeof text !== 'string') return void this.notUtf8.push(path);
    const isWrong =
      (isId && !isUlid(text)) ||
      (rule.kind === 'request-id' && text !== '' && !/^[\x21-\x7e]{1,128}$/.test(text)) ||
      (rule.kind === 'text' && !isMasked && ([...text].length < rule.minimum || [...text].length > rule.maximum));
    if (isWrong) this.violations.push(path);
  }

  /** By the field's name: its last part tells what it names. */
  #goodText(name: string): string {
    const { random, ids } = this;
    if (name === 'request_id') return random.chance(70) ? '' : `fuzz-${random.integer(0, 50)}`;
    if (/(thread|parent)_ids?$/.test(name))
      return random.chance(90) ? random.pick(ids.threads) : random.pick(ids.messages);
    if (/message_ids?$/.test(name)) return random.chance(90) ? random.pick(ids.messages) : random.pick(ids.accounts);
    if (/_ids?$/.test(name)) return random.pick(ids.accounts);
    if (name === 'reaction') return random.pick(['👍', '❤️', '🇫🇷', '🏳️‍🌈']);
    if (name === 'page_token') return random.chance(70) ? '' : noise(random, 20).toString('base64url');
    if (name === 'paths') return random.pick(['title', 'remarks', '*', 'creator_id']);
    return random.pick(['hello', 'two words', 'grüße 😀', 'x'.repeat(200)]);
  }
}

function isOptional(field: DescField): boolean {
  const { name } = field;
  // proto3 without `optional`: what may be left out is known by name alone.
  return (
    field.proto.proto3Optional ||
    field.fieldKind !== 'scalar' ||
    !(name.endsWith('_id') || name === 'title' || name === 'text') ||
    name === 'request_id'
  );
}

/** The message as bytes that are not quite one. */
function broken(message: Uint8Array, random: SeededRandom): { readonly bytes: Buffer } {
  const bytes = Buffer.from(message);
  const tagged = (number: number, type: WireType): BinaryWriter => new BinaryWriter().tag(number, type);
  const breaks: (() => Uint8Array)[] = [
    () => bytes.subarray(0, random.integer(0, bytes.length)),
    () => Buffer.concat([bytes, bytes]),
    () =>
      Buffer.concat([
        bytes,
        tagged(random.integer(500, 2 ** 29 - 1), WireType.LengthDelimited)
          .bytes(noise(random, 50))
          .finish(),
      ]),
    () => Buffer.concat([bytes, tagged(random.integer(1, 15), random.integer(0, 7) as WireType).finish()]),
    () => Buffer.concat([tagged(random.integer(1, 5), WireType.Varint).int64(hostileInteger(random)).finish(), bytes]),
    () => Buffer.concat([bytes, Buffer.alloc(random.pick([1, 11, 1_000]), 0xff)]),
    // Groups within groups, never ended; and messages within messages.
    () => Buffer.concat([bytes, Buffer.alloc(random.pick([10, 1_000, 100_000]), 0x0b)]),
    () => nested(random.integer(1, 8), random.pick([10, 200, 3_000])),
    () => noise(random, random.integer(0, 200)),
    () => {
      const changed = Buffer.from(bytes);
      if (changed.length > 0) changed[random.integer(0, changed.length - 1)] = random.integer(0, 255);
      return changed;
    },
  ];
  return { bytes: Buffer.from(random.pick(breaks)()) };
}

function nested(number: number, depth: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array();
  for (let level = 0; level < depth; level += 1) {
    bytes = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
  }
  return bytes;
}
