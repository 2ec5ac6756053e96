import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadFileDescriptorSetFromBuffer, type PackageDefinition } from '@grpc/proto-loader';

/** Where the descriptor set of the whole API lies, whether this runs from source or compiled. */
export function descriptorSetPath(): string {
  return join(packageRoot(), 'services/gen/descriptor.binpb');
}

/** Every service and message of the API, from the descriptor set that buf wrote. */
export function loadApiDescriptors(): PackageDefinition {
  return loadFileDescriptorSetFromBuffer(readFileSync(descriptorSetPath()), { keepCase: true });
}

/** The folder that holds package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json not found above this file');
    folder = parent;
  }
  return folder;
}
