import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, getOption, type Message } from '@bufbuild/protobuf';
import type { GenExtension } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorSetSchema, type MethodOptions } from '@bufbuild/protobuf/wkt';
import { descriptorSetPath } from '../../platform/grpc/descriptor-set.js';

/** google.api.HttpRule, as far as it is read here. */
type HttpRule = Message & {
  readonly pattern: { readonly case?: string; readonly value?: string };
  readonly additionalBindings: readonly HttpRule[];
};

/** How REST calls a method. */
export interface RestRule {
  /** The method's path, such as `/package.Service/Method`. */
  readonly rpc: string;
  readonly method: string;
  /** Such as `/v1/threads/{thread_id}/destroy`. */
  readonly path: string;
}

/** Each REST method and path template that the protos give to a call. */
export function restRules(): RestRule[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath())));
  const http = registry.getExtension('google.api.http') as unknown as GenExtension<MethodOptions, HttpRule> | undefined;
  if (http === undefined) throw new Error('the protos know no google.api.http');
  const rules: RestRule[] = [];
  for (const type of registry) {
    if (type.kind !== 'service') continue;
    for (const method of type.methods) {
      const rule = getOption(method, http);
      for (const { pattern } of [rule, ...rule.additionalBindings]) {
        const { case: kind, value: path } = pattern;
        if (kind === undefined || path === undefined) continue;
        rules.push({ rpc: `/${type.typeName}/${method.name}`, method: kind, path });
      }
    }
  }
  return rules;
}
