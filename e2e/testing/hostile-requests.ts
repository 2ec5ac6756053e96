import { createFileRegistry, fromBinary, ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { readFileSync } from 'node:fs';
import { descriptorSetPath } from '../../platform/grpc/descriptor-set.js';

/** Bytes that a method's requests are made of, as large as a request may be. */
export interface HostileRequest {
  readonly path: string;
  /** What is in it, for messages. */
  readonly kind: string;
  readonly bytes: Buffer;
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath())));

/** Ways through messages to a field that may come again and again: the fields to enter, and then the entries. */
interface Way {
  readonly name: string;
  readonly fields: readonly DescField[];
}

/**
 * For each method of a service, requests of up to `maxSize` bytes: each of its lists, at whatever depth, filled with the
 * smallest entries and with texts that are no UTF-8, and then what needs no list.
 */
export function* hostileRequests(service: string, maxSize: number): Generator<HostileRequest> {
  const methods = registry.getService(service)?.methods ?? [];
  if (methods.length === 0) throw new Error(`no methods of ${service}`);
  for (const [place, { name, input }] of methods.entries()) {
    const path = `/${service}/${name}`;
    // So much is far too much, too, and sooner sent.
    const size = place === 0 ? maxSize : Math.floor(maxSize / 12);
    for (const { name: way, fields } of waysToLists(input)) {
      const tags = fields.map((field) => lengthDelimited(field.number));
      yield {
        path,
        kind: `${way}: empty`,
        bytes: within(tags.slice(0, -1), filled([...(tags.at(-1) as Buffer), 0], size)),
      };
      const isText = 'scalar' in (fields.at(-1) as DescField);
      if (!isText) continue;
      const wrong = [...(tags.at(-1) as Buffer), 26, ...new Array<number>(26).fill(0xff)];
      yield { path, kind: `${way}: not UTF-8`, bytes: within(tags.slice(0, -1), filled(wrong, size)) };
    }
    const text = input.fields.find((field) => field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING);
    // What follows is the same for all methods.
    if (place > 0) continue;
    if (text !== undefined) {
      const tag = lengthDelimited(text.number);
      yield { path, kind: `${text.name} again and again`, bytes: filled([...tag, 0], size) };
      yield { path, kind: `${text.name}: not UTF-8`, bytes: within([tag], Buffer.alloc(size, 0xff)) };
    }
    yield { path, kind: 'unknown fields', bytes: filled([0xc0, 0x3e, 0], size) };
    yield { path, kind: 'groups in groups', bytes: Buffer.alloc(size, 0xfb) };
    yield {
      path,
      kind: 'a group of fields',
      bytes: Buffer.concat([Buffer.from([0x7b]), filled([0x08, 0], size), Buffer.from([0x7c])]),
    };
    const value = input.fields.find((field) => field.message?.typeName === 'google.protobuf.Value');
    if (value !== undefined) yield { path, kind: 'lists in lists', bytes: nestedLists(value.number, size) };
  }
}

function* waysToLists(message: DescMessage, before: readonly DescField[] = []): Generator<Way> {
  for (const field of message.fields) {
    const fields = [...before, field];
    // google.protobuf.Value holds itself.
    if (before.length > 2) continue;
    if (field.fieldKind === 'list' || field.fieldKind === 'map')
      yield { name: fields.map(({ name }) => name).join('.'), fields };
    const inner = field.message;
    if (inner !== undefined && field.fieldKind !== 'map') yield* waysToLists(inner, fields);
  }
}

function lengthDelimited(number: number): Buffer {
  return Buffer.from(new BinaryWriter().tag(number, WireType.LengthDelimited).finish());
}

function filled(entry: readonly number[], size: number): Buffer {
  return Buffer.alloc(Math.floor(size / entry.length) * entry.length, Buffer.from(entry));
}

/** The content inside of these fields, the outermost first. */
function within(tags: readonly Buffer[], content: Buffer): Buffer {
  return tags.reduceRight((inner, tag) => Buffer.concat([tag, varint(inner.length), inner]), content);
}

/** Value { list_value { values { list_value … } } } */
function nestedLists(number: number, size: number): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (let isList = true; length < size - 20; isList = !isList) {
    const head = Buffer.concat([Buffer.from([isList ? 0x32 : 0x0a]), varint(length)]);
    parts.push(head);
    length += head.length;
  }
  return within([lengthDelimited(number)], Buffer.concat(parts.reverse()));
}

function varint(value: number): Buffer {
  return Buffer.from(new BinaryWriter().uint32(value).finish());
}
