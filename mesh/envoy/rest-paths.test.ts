import assert from 'node:assert/strict';
import { edgeConnectionManager } from '../istio/render-edge-filters.js';
import { restRules } from './rest-paths.js';

interface RoutedPath {
  readonly name: string;
  readonly match: { readonly path?: string; readonly safe_regex?: { readonly regex: string } };
}

/** Every sequence of up to `length` of these segments. */
function* sequences(segments: readonly string[], length: number): Generator<readonly string[]> {
  yield [];
  if (length === 0) return;
  for (const rest of sequences(segments, length - 1)) for (const segment of segments) yield [segment, ...rest];
}

describe("The edge's REST routes", () => {
  const rulesBelow = (prefix: string) =>
    restRules()
      .filter(({ path }) => path.startsWith(prefix))
      .map(({ method, path }) => ({ method, template: path.slice(1).split('/') }));
  const rules = rulesBelow('/v1/threads');
  const { routes } = edgeConnectionManager().route_config.virtual_hosts[0];
  const routeOf = (name: string) =>
    (routes as unknown as RoutedPath[]).find((each) => each.name === name) ?? assert.fail(`no route ${name}`);
  const pathOf = (name: string) => {
    return new RegExp(`^(?:${routeOf(name).match.safe_regex?.regex ?? assert.fail(`no path of ${name}`)})$`);
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

  it('do so with the older accounts, too', () => {
    const accountRules = rulesBelow('/auth/');
    assert.equal(accountRules.length, 9);
    const names = { post: 'rest-account-command', get: 'rest-account-query' } as const;
    for (const { method, template } of accountRules) {
      const path = `/${template.join('/')}`;
      if (method === 'put') assert.equal(routeOf('rest-account-token').match.path, path);
      else
        for (const [each, name] of Object.entries(names)) assert.equal(pathOf(name).test(path), each === method, path);
      assert.ok(!pathOf(names.post).test(`${path}/x`) && !pathOf(names.get).test(`${path}/x`));
    }
  });
});
