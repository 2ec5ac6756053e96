import assert from 'node:assert/strict';
import { edgeConnectionManager } from '../istio/render-edge-filters.js';
import { restRules } from './rest-paths.js';

interface RoutedPath {
  readonly name: string;
  readonly match: { readonly safe_regex?: { readonly regex: string } };
}

/** Every sequence of up to `length` of these segments. */
function* sequences(segments: readonly string[], length: number): Generator<readonly string[]> {
  yield [];
  if (length === 0) return;
  for (const rest of sequences(segments, length - 1)) for (const segment of segments) yield [segment, ...rest];
}

describe("The edge's REST routes", () => {
  const rules = restRules().map(({ method, path }) => ({ method, template: path.slice(1).split('/') }));
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
