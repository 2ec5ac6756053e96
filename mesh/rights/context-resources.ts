import { namespaceOf } from '../../platform/mysql/projection-namespace.js';
import { DEFAULT_BUCKETS } from '../../platform/nats/bucketed-journal.js';
import type { JournalLayout } from '../../platform/nats/open-journal.js';
import { contexts } from '../../services/contexts.js';

/** What a context has in NATS and MySQL, as far as rights to it are given. */
export interface ContextResources {
  readonly name: string;
  /** Stands before the names of its streams, buckets and subjects. */
  readonly prefix: string;
  /** Of its projections, as they name what is theirs. */
  readonly namespaces: readonly string[];
  /** Where its projections lie. */
  readonly database: string;
  readonly journal: JournalShape;
  /** Streams of its command side that only it has, by name without the prefix, with what their subjects begin with. */
  readonly streams: Readonly<Record<string, string>>;
}

export interface JournalShape {
  readonly layout: JournalLayout;
  readonly buckets: number;
}

type Declaration = Partial<Pick<ContextResources, 'database' | 'streams'>>;

/** What contexts have beside what every context has. One that has no more, and a database of its name, needs no entry. */
const declarations: Readonly<Record<string, Declaration>> = {
  thread: { database: 'threadweaver', streams: { CREATIONS: 'created' } },
};

/** Must its journal be bucketed, whatever JOURNAL_LAYOUT says of the first context's? */
export function isAlwaysBucketed(context: string): boolean {
  return contexts.findIndex(({ context: { name } }) => name === context) > 0;
}

/** The layout that `npm start` and services begin with. */
export const defaultShape: JournalShape = { layout: 'per-thread', buckets: DEFAULT_BUCKETS };

/**
 * All contexts that there are.
 * @param shape of the first one's journal. The others are bucketed: with a stream per aggregate, streams of different contexts cannot be told apart by the
 * names of their subjects, so only one context can have that.
 */
export function contextResources(shape: JournalShape = defaultShape): readonly ContextResources[] {
  return contexts.map(({ context: { name, prefix }, projections }) => ({
    ...{ name, prefix, namespaces: projections.map(namespaceOf) },
    journal: isAlwaysBucketed(name) ? { ...shape, layout: 'bucketed' } : shape,
    database: `threadweaver_${name}`,
    streams: {},
    ...declarations[name],
  }));
}
