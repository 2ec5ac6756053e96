import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** Where the descriptor set of the whole API lies, whether this runs from source or compiled. */
export function descriptorSetPath(): string {
  return join(packageRoot(), 'services/gen/descriptor.binpb');
}

/** The FileDescriptorProto of every file of the API, encoded as buf wrote it. */
export function loadFileDescriptors(): Buffer[] {
  const reader = new BinaryReader(readFileSync(descriptorSetPath()));
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    // google.protobuf.FileDescriptorSet: repeated FileDescriptorProto file = 1.
    if (fieldNumber === 1) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType);
  }
  return files;
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
