import { readFileSync } from 'node:fs';

/** The objects of a heap by constructor, or by V8's kind in brackets where they have none. */
export type HeapCensus = ReadonlyMap<string, HeapEntry>;

export interface HeapEntry {
  readonly count: number;
  /** Of the objects alone, without what they hold. */
  readonly bytes: number;
}

/** How many more there are of a constructor; negative when there are fewer. */
export interface HeapGrowth {
  readonly constructorName: string;
  readonly before: HeapEntry;
  readonly after: HeapEntry;
  readonly count: number;
  readonly bytes: number;
}

/** The parts of V8's format that are read here. */
interface SnapshotFile {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

const nothing: HeapEntry = { count: 0, bytes: 0 };
/** What has a name of its own. */
const named = new Set(['object', 'native']);

/** Reads a `.heapsnapshot` file. @throws Error when it is none */
export function readHeapCensus(path: string): HeapCensus {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(path, 'utf8')) as SnapshotFile;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const census = new Map<string, { count: number; bytes: number }>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[0][nodes[at + type] ?? 0] ?? '';
    // A string's name is its text, and native ones may be numbered.
    const key = named.has(kind) ? shortened(strings[nodes[at + name] ?? 0] ?? '') : `(${kind})`;
    const entry = census.get(key) ?? { count: 0, bytes: 0 };
    census.set(key, entry);
    entry.count += 1;
    entry.bytes += nodes[at + size] ?? 0;
  }
  return census;
}

/** What has grown most comes first. */
export function compareHeaps(before: HeapCensus, after: HeapCensus): HeapGrowth[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((constructorName) => {
      const [first, last] = [before.get(constructorName) ?? nothing, after.get(constructorName) ?? nothing];
      const [count, bytes] = [last.count - first.count, last.bytes - first.bytes];
      return { constructorName, before: first, after: last, count, bytes };
    })
    .sort((one, other) => other.bytes - one.bytes);
}

export function totalBytes(census: HeapCensus): number {
  return [...census.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

function shortened(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}...` : name;
}
