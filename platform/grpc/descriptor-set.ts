import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { projectRoot } from '../process/project-root.js';

/** Where the descriptor set of the whole API lies, whether this runs from source or compiled. */
export function descriptorSetPath(): string {
  return join(projectRoot, 'gen/descriptor.binpb');
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
