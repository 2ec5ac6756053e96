import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, ScalarType, type DescField, type DescMethod } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSetPath } from '../../platform/grpc/descriptor-set.js';

/** What a field takes, as its .proto says it in a comment, or by its name. */
export type FieldRule =
  | { readonly kind: 'ulid' | 'request-id' | 'unknown' }
  /** Of characters, or of entries. */
  | { readonly kind: 'text' | 'ulids' | 'list'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'integer'; readonly minimum: bigint; readonly maximum: bigint };

const set = fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath()));
const registry = createFileRegistry(set);

/** Every method that the edge serves, so that a new service is fuzzed from its first day. */
export const methods: readonly DescMethod[] = [...registry.files]
  .flatMap(({ services }) => services)
  .filter(({ typeName }) => !typeName.includes('.admin.'))
  .flatMap(({ methods: all }) => all);

/** The rules of these are in their comments; the older APIs have answers of their own for what is wrong. */
export function tellsFields(method: DescMethod): boolean {
  return /^threadweaver\.\w+\.v\d+$/.test(method.parent.file.proto.package);
}

const rules = new Map<DescField, FieldRule>();

export function ruleOf(field: DescField): FieldRule {
  const known = rules.get(field) ?? readRule(field);
  rules.set(field, known);
  return known;
}

function readRule(field: DescField): FieldRule {
  const comment = commentOf(field);
  const bounds = boundsIn(comment);
  if (field.fieldKind === 'list') {
    if (field.listKind === 'message') return bounds ? { kind: 'list', ...bounds } : { kind: 'unknown' };
    return field.name.endsWith('_ids') && bounds ? { kind: 'ulids', ...bounds } : { kind: 'unknown' };
  }
  if (field.fieldKind !== 'scalar') return { kind: 'unknown' };
  if (field.scalar === ScalarType.STRING) {
    if (field.name === 'request_id') return { kind: 'request-id' };
    if (field.name.endsWith('_id')) return { kind: 'ulid' };
    return bounds && /^\s*(1 to|At most) [\d,]+ characters/.test(comment) && field.name !== 'query'
      ? { kind: 'text', ...bounds }
      : { kind: 'unknown' };
  }
  if (field.name === 'page_size') return { kind: 'integer', minimum: 0n, maximum: 2n ** 31n - 1n };
  if (field.name === 'min_version') return { kind: 'integer', minimum: 0n, maximum: BigInt(Number.MAX_SAFE_INTEGER) };
  return { kind: 'unknown' };
}

/** "1 to 255", "At least one, at most 1,000", "At most 1,000". */
function boundsIn(comment: string): { readonly minimum: number; readonly maximum: number } | undefined {
  const numberOf = (digits: string): number => Number(digits.replaceAll(',', ''));
  const range = /\b1 to (\d[\d,]*\d)/.exec(comment);
  if (range?.[1] !== undefined) return { minimum: 1, maximum: numberOf(range[1]) };
  const most = /at most (\d[\d,]*\d)/i.exec(comment);
  if (most?.[1] === undefined) return undefined;
  return { minimum: /at least one/i.test(comment) ? 1 : 0, maximum: numberOf(most[1]) };
}

function commentOf(field: DescField): string {
  const { file } = field.parent;
  const path = [4, file.proto.messageType.indexOf(field.parent.proto), 2, field.parent.fields.indexOf(field)].join();
  const found = file.proto.sourceCodeInfo?.location.find((location) => location.path.join() === path);
  return (found?.leadingComments ?? '').replaceAll(/\s+/g, ' ');
}
