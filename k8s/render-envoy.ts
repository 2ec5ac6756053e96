import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { accessRules } from '../services/access-rules.js';
import { openPathsOf } from '../mesh/envoy/open-paths.js';
import { renderEnvoyConfig, upstreams } from '../mesh/envoy/render-config.js';
import { portSettings } from '../mesh/local/mesh-settings.js';
import { services } from '../mesh/services.js';
import { descriptorSetPath } from '../platform/grpc/descriptor-set.js';
import { projectRoot } from '../platform/process/project-root.js';

/** Where the component plain-envoy finds what is rendered here. */
export const generatedFolder = join(projectRoot, 'k8s', 'components', 'plain-envoy', 'generated');

/** Where the component that has it ask for tokens does. */
export const jwtFolder = join(projectRoot, 'k8s', 'components', 'plain-envoy', 'jwt', 'generated');

/** The folder within Envoy's container that the ConfigMap is mounted at. */
export const MOUNT_PATH = '/etc/envoy';

/** Of Envoy's admin page. Loopback of a pod is Envoy's own, no browser is there, and preStop's bash speaks to ports only. */
export const ADMIN_PORT = 9901;

/** Envoy's configuration in Kubernetes: the same template and ports as of the local mesh, other addresses. */
export function kubernetesEnvoyConfig(auth: 'off' | 'jwt' = 'off'): string {
  return renderEnvoyConfig({
    listenHost: '0.0.0.0',
    port: portSettings.envoy.port,
    threadsPort: portSettings.threads.port,
    messengerPort: portSettings.messenger.port,
    bookingPort: portSettings.booking.port,
    adminPort: ADMIN_PORT,
    // Headless Services: the name resolves to all instances that are ready.
    upstreams: upstreams((service) => [{ host: `${service}-instances`, port: services[service].ports.grpc }]),
    descriptorSetPath: `${MOUNT_PATH}/descriptor.binpb`,
    ...(auth === 'jwt' && {
      tokens: { jwks: [{ host: 'account', port: services.account.ports.jwks }], openPaths: openPathsOf(accessRules) },
    }),
  });
}

/** The API's descriptor set without comments and positions: with them `kubectl apply` finds the ConfigMap too long. */
export function smallDescriptorSet(): Uint8Array {
  const { file } = fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath()));
  for (const each of file) each.sourceCodeInfo = undefined;
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}

// Without `await`: tests could not `require` this module, and would get a second copy of all that it imports.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(generatedFolder, { recursive: true });
  writeFileSync(join(generatedFolder, 'envoy.yaml'), kubernetesEnvoyConfig());
  mkdirSync(jwtFolder, { recursive: true });
  writeFileSync(join(jwtFolder, 'envoy.yaml'), kubernetesEnvoyConfig('jwt'));
  writeFileSync(join(generatedFolder, 'descriptor.binpb'), smallDescriptorSet());
}
