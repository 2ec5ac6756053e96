import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, getOption, type Message } from '@bufbuild/protobuf';
import type { GenExtension } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorSetSchema, type MethodOptions } from '@bufbuild/protobuf/wkt';
import { descriptorSetPath } from '../../platform/grpc/descriptor-set.js';
import { edgeConnectionManager } from '../istio/render-edge-filters.js';

/** google.api.HttpRule, as far as it is read here. */
type HttpRule = Message & { readonly pattern: { readonly case?: string; readonly value?: string } };
interface RoutedPath {
  readonly name: string;
  readonly match: { readonly safe_regex?: { readonly regex: string } };
}

/** Each REST method and path template that the protos give to a call, such as `post /v1/threads/{thread_id}/destroy`. */
function restRules(): { method: string; template: readonly string[] }[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath())));
  const http = registry.getExtension('google.api.http');
  assert.ok(http);
  const rules: { method: string; template: readonly string[] }[] = [];
  for (const type of registry) {
    if (type.kind !== 'service') continue;
    for (const method of type.methods) {
      const { pattern } = getOption(method, http as unknown as GenExtension<MethodOptions, HttpRule>);
      const [kind, path] = [pattern.case, pattern.value];
      if (kind !== undefined && path !== undefined) rules.push({ method: kind, template: path.slice(1).split('/') });
    }
  }
  return rules;
}

/** Every sequence of up to `length` of these segments. */
function* sequences(segments: readonly string[], length: number): Generator<readonly string[]> {
  yield [];
  if (length === 0) return;
  for (const rest of sequences(segments, length - 1)) for (const segment of segments) yield [segment, ...rest];
}

describe("The edge's REST routes", () => {
  const rules = restRules();
  const { routes } = edgeConnectionManager().route_config.virtual_hosts[0];
  const pathOf = (name: string) => {
    const route = (routes as unknown as RoutedPath[]).find((each) => each.name === name);
    return new RegExp(`^(?:${route?.match.safe_regex?.regex ?? assert.fail(`no route ${name}`)})$`);
  };

  it('take exactly the paths that the protos give to a call, by exactly that method', () => {
    assert.equal(rules.length, 14);
    const literals = rules.flatMap(({ template }) => template).filter((segment) => !segment.startsWith('{'));
    const words = [...new Set([...literals, 'T', ''])];
    const isRule = (method: string, path: readonly string[]) =>
      rules.some(
        (rule) =>
          rule.method === method &&
          rule.template.length === path.length &&
          rule.template.every((segment, at) => (segment.startsWith('{') ? path[at] !== '' : path[at] === segment)),
      );
    const [commands, queries] = [pathOf('rest-command'), pathOf('rest-query')];
    // Envoy takes the first route that fits: `create` is a command, and no thread's id.
    const order = routes.map(({ name }) => name);
    assert.ok(order.indexOf('rest-command') < order.indexOf('post-only'));
    assert.ok(order.indexOf('post-only') < order.indexOf('rest-query'));
    let matched = 0;
    for (const path of sequences(words, 4)) {
      const whole = ['v1', 'threads', ...path];
      const text = `/${whole.join('/')}`;
      assert.equal(commands.test(text), isRule('post', whole), text);
      assert.equal(queries.test(text), isRule('get', whole), text);
      if (commands.test(text) || queries.test(text)) matched += 1;
    }
    assert.ok(matched > rules.length);
  });
});
