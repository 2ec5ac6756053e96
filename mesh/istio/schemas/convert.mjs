// Makes the JSON schemas of this folder from Istio's CustomResourceDefinitions, strict: a key that Istio does not know is
// an error. Run again for another version or kind, with Go and access to a Go module proxy:
//
//   go mod download -json istio.io/api@v1.31.1      # prints "Dir"
//   node mesh/istio/schemas/convert.mjs DIR/kubernetes/customresourcedefinitions.gen.yaml
//
// Texts are left out: they are nine tenths of the size. What only an API server understands (CEL rules) is left out too;
// `npm run verify:mesh` asks one.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const folder = dirname(fileURLToPath(import.meta.url));

/** What the manifests are made of, in the versions that they say. A kind that is missing here fails in the test. */
const kinds = {
  AuthorizationPolicy: 'v1',
  DestinationRule: 'v1',
  EnvoyFilter: 'v1alpha3',
  Gateway: 'v1',
  PeerAuthentication: 'v1',
  RequestAuthentication: 'v1',
  Sidecar: 'v1',
  Telemetry: 'v1',
  VirtualService: 'v1',
};

const [crdsPath] = process.argv.slice(2);
if (crdsPath === undefined)
  throw new Error('usage: node mesh/istio/schemas/convert.mjs customresourcedefinitions.gen.yaml');
const definitions = parseAllDocuments(readFileSync(crdsPath, 'utf8')).map((document) => document.toJS());

for (const [kind, version] of Object.entries(kinds)) {
  const { spec } = definitions.find((definition) => definition?.spec?.names.kind === kind);
  const { schema } = spec.versions.find(({ name }) => name === version);
  const root = strict(schema.openAPIV3Schema);
  root.properties = {
    apiVersion: { enum: [`${spec.group}/${version}`] },
    kind: { enum: [kind] },
    metadata: { type: 'object' },
    ...root.properties,
  };
  root.required = ['apiVersion', 'kind', 'metadata'];
  const name = `${kind.toLowerCase()}-${spec.group.split('.')[0]}-${version}.json`;
  writeFileSync(join(folder, name), `${JSON.stringify(root)}\n`);
}

/** A schema that says what a value is made of: there, what is not named is not allowed. */
function strict(schema) {
  if (schema['x-kubernetes-int-or-string']) return { type: ['string', 'integer'] };
  const result = conditions(schema);
  if (schema.items !== undefined) result.items = strict(schema.items);
  if (schema.properties !== undefined) {
    result.properties = mapValues(schema.properties, strict);
    result.additionalProperties = schema['x-kubernetes-preserve-unknown-fields'] === true;
  } else if (typeof schema.additionalProperties === 'object') {
    result.additionalProperties = strict(schema.additionalProperties);
  }
  return result;
}

/** What a schema demands; parts of `oneOf` and the like name a few keys only, and so forbid no others. */
function conditions(schema) {
  const result = {};
  for (const key of [
    'type',
    'required',
    'enum',
    'minimum',
    'maximum',
    'pattern',
    'maxItems',
    'minItems',
    'maxLength',
    'minLength',
  ]) {
    if (schema[key] !== undefined) result[key] = schema[key];
  }
  for (const key of ['oneOf', 'anyOf', 'allOf']) {
    if (schema[key] !== undefined) result[key] = schema[key].map(part);
  }
  if (schema.not !== undefined) result.not = part(schema.not);
  return result;
}

function part(schema) {
  const result = conditions(schema);
  if (schema.properties !== undefined) result.properties = mapValues(schema.properties, part);
  return result;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
