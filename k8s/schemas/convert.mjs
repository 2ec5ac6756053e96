// Makes the JSON schemas of this folder from Kubernetes' own OpenAPI description, strict: a key that Kubernetes does not
// know is an error. Run again for another version or kind, with Go and access to a Go module proxy:
//
//   go mod download -json k8s.io/kubernetes@v1.36.3      # prints "Dir"
//   node k8s/schemas/convert.mjs DIR/api/openapi-spec/swagger.json
//
// The conversion follows kubeconform's openapi2jsonschema.py. Texts are left out: they are nine tenths of the size.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));

/** What the manifests are made of. A kind that is missing here fails in the test: kubeconform finds no schema for it. */
const kinds = [
  'ConfigMap',
  'CronJob',
  'Deployment',
  'HorizontalPodAutoscaler',
  'Job',
  'Namespace',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'Secret',
  'Service',
  'ServiceAccount',
  'StatefulSet',
  'StorageClass',
];

const [swaggerPath] = process.argv.slice(2);
if (swaggerPath === undefined) throw new Error('usage: node k8s/schemas/convert.mjs swagger.json');
const { definitions } = JSON.parse(readFileSync(swaggerPath, 'utf8'));
const prefix = '#/definitions/';

for (const [name, definition] of Object.entries(definitions)) {
  for (const { group, kind, version } of definition['x-kubernetes-group-version-kind'] ?? []) {
    if (!kinds.includes(kind) || /alpha|beta/.test(version)) continue;
    if (kind === 'HorizontalPodAutoscaler' && version !== 'v2') continue;
    const used = new Map();
    collect(name, used);
    const root = used.get(name);
    root.properties.apiVersion = { enum: [group === '' ? version : `${group}/${version}`] };
    root.properties.kind = { enum: [kind] };
    root.required = [...new Set(['apiVersion', 'kind', ...(root.required ?? [])])];
    const schema = { $ref: `${prefix}${name}`, definitions: Object.fromEntries([...used].sort()) };
    const groupPart = group === '' ? '' : `-${group.split('.')[0]}`;
    writeFileSync(join(folder, `${kind.toLowerCase()}${groupPart}-${version}.json`), `${JSON.stringify(schema)}\n`);
  }
}

/** Takes a definition and all that it refers to. */
function collect(name, used) {
  if (used.has(name)) return;
  used.set(name, {});
  used.set(name, strict(definitions[name], used));
}

function strict(schema, used) {
  if (schema.$ref !== undefined) {
    collect(schema.$ref.slice(prefix.length), used);
    return { $ref: schema.$ref };
  }
  // Their format says what their type does not.
  if (schema.format === 'int-or-string') return { oneOf: [{ type: 'string' }, { type: 'integer' }] };
  const result = {};
  for (const key of ['type', 'required', 'enum', 'minimum', 'maximum', 'pattern']) {
    if (schema[key] !== undefined) result[key] = schema[key];
  }
  if (schema.items !== undefined) result.items = strict(schema.items, used);
  if (schema.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([key, value]) => [key, strict(value, used)]),
    );
    result.additionalProperties = false;
  } else if (typeof schema.additionalProperties === 'object') {
    result.additionalProperties = strict(schema.additionalProperties, used);
  }
  return result;
}
