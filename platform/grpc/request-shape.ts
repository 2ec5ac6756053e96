import { createFileRegistry, fromBinary, ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { readFileSync } from 'node:fs';
import { descriptorSetPath } from './descriptor-set.js';

/** What a message of one type may hold on the wire, as far as `WireScan` has to know. */
export interface MessageShape {
  /** By field number. */
  readonly fields: ReadonlyMap<number, FieldShape>;
  /** Its fields have no name of their own in paths: the message is a way to write the value that it stands for. */
  readonly isTransparent: boolean;
  /** It is an entry of a map: its field 1 is the name of what its field 2 holds. */
  readonly isMapEntry: boolean;
}

export interface FieldShape {
  readonly number: number;
  /** In lowerCamelCase. */
  readonly name: string;
  readonly isRepeated: boolean;
  readonly isText: boolean;
  /** Undefined when it holds no messages. */
  readonly message: MessageShape | undefined;
}

/** Decoded as the JSON values, lists of texts and so on that they stand for. */
const transparentTypes = new Set(
  ['Value', 'ListValue', 'Struct', 'FieldMask'].map((name) => `google.protobuf.${name}`),
);

/** Shapes of the requests of the whole API, made when they are first asked for. */
class RequestShapes {
  readonly #registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath())));
  readonly #shapes = new Map<string, MessageShape>();

  ofMethod(path: string): MessageShape {
    const [, serviceName = '', methodName] = path.split('/');
    const method = this.#registry.getService(serviceName)?.methods.find(({ name }) => name === methodName);
    if (method === undefined) throw new Error(`${path} is not in the descriptor set: npm run gen`);
    return this.#ofMessage(method.input);
  }

  #ofMessage(message: DescMessage): MessageShape {
    const known = this.#shapes.get(message.typeName);
    if (known !== undefined) return known;
    const fields = new Map<number, FieldShape>();
    const isTransparent = transparentTypes.has(message.typeName);
    const shape = { fields, isTransparent, isMapEntry: false };
    // Before its fields: messages may hold themselves.
    this.#shapes.set(message.typeName, shape);
    for (const field of message.fields) fields.set(field.number, this.#ofField(field));
    return shape;
  }

  #ofField(field: DescField): FieldShape {
    const { number, localName: name } = field;
    const isRepeated = field.fieldKind === 'list' || field.fieldKind === 'map';
    const message = field.fieldKind === 'map' ? this.#ofEntry(field) : field.message && this.#ofMessage(field.message);
    return { number, name, isRepeated, isText: isText(field), message };
  }

  #ofEntry(field: DescField & { readonly fieldKind: 'map' }): MessageShape {
    const common = { isRepeated: false };
    const fields = new Map<number, FieldShape>([
      [1, { ...common, number: 1, name: 'key', isText: true, message: undefined }],
      [
        2,
        {
          ...common,
          number: 2,
          name: 'value',
          isText: isText(field),
          message: field.message && this.#ofMessage(field.message),
        },
      ],
    ]);
    return { fields, isTransparent: false, isMapEntry: true };
  }
}

function isText(field: DescField): boolean {
  return 'scalar' in field && field.scalar === ScalarType.STRING;
}

let shapes: RequestShapes | undefined;

/** The shape of a method's requests. @param path such as `/package.Service/Method` */
export function requestShapeOf(path: string): MessageShape {
  return (shapes ??= new RequestShapes()).ofMethod(path);
}
