import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { projectRoot } from '../../platform/process/project-root.js';
import { services, upstreamNames } from '../services.js';
import { edgeConnectionManager, edgeFiltersPath, renderEdgeFilters, restDescriptorSet } from './render-edge-filters.js';

interface Match {
  readonly uri?: { readonly regex?: string; readonly prefix?: string; readonly exact?: string };
}

interface EnvoyRoute {
  readonly name: string;
  readonly match: {
    readonly prefix?: string;
    readonly path?: string;
    readonly safe_regex?: { readonly regex: string };
  };
  readonly direct_response?: { readonly status: number; readonly body: { readonly inline_string: string } };
}

interface IstioRoute {
  readonly name: string;
  readonly match: readonly Match[];
  readonly directResponse?: { readonly status: number; readonly body: { readonly string: string } };
}

describe("Istio's edge", () => {
  it('has the filters that mesh/envoy and proto make', () => {
    assert.equal(readFileSync(edgeFiltersPath, 'utf8'), renderEdgeFilters(restDescriptorSet()), 'run `npm run gen`');
  });

  it('has a destination for each service that Envoy has a cluster of, and routes to no other', () => {
    const destinations = parseAllDocuments(readFileSync(join(projectRoot, 'mesh/istio/destinations.yaml'), 'utf8'));
    const hosts = destinations.map((document) => (document.toJS() as { spec: { host: string } }).spec.host);
    assert.deepEqual(hosts, upstreamNames);
    const routes = readFileSync(join(projectRoot, 'mesh/istio/routes.yaml'), 'utf8');
    const routed = [...routes.matchAll(/destination: \{ host: ([\w-]+), port: \{ number: (\d+) \} \}/g)];
    const known = upstreamNames.map((name) => `${name}:${services[name].ports.grpc}`);
    assert.deepEqual([...new Set(routed.map(([, host, port]) => `${host}:${port}`))].sort(), known.sort());
  });

  it('has the routes of mesh/envoy, in their order', () => {
    const envoy = edgeConnectionManager().route_config.virtual_hosts[0].routes as unknown as EnvoyRoute[];
    const routes = parse(readFileSync(join(projectRoot, 'mesh/istio/routes.yaml'), 'utf8')) as {
      spec: { http: IstioRoute[] };
    };
    assert.deepEqual(
      routes.spec.http.map(({ name, match, directResponse }) => ({
        name,
        // Where a name has several matches, they differ in headers only.
        paths: [...new Set(match.map(({ uri }) => uri?.regex ?? uri?.prefix ?? uri?.exact))],
        answer: directResponse && [directResponse.status, directResponse.body.string],
      })),
      envoy.map(({ name, match, direct_response: answer }) => ({
        name,
        paths: [match.safe_regex?.regex ?? match.prefix ?? match.path],
        answer: answer && [answer.status, answer.body.inline_string],
      })),
    );
  });
});
