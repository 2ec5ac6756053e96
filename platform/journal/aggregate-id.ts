import { Fault } from '../kernel/fault.js';
import type { Context } from './context.js';

/** Stands in no plain id, and may stand in subjects, stream names and keys of NATS. */
const SEPARATOR = '=';

/**
 * The id of an aggregate among all of its context's, as it stands in the journal, the feed and wherever a command is
 * brought: of the context's first type the plain id, of another one `type=id`. So aggregates of two types never
 * meet, even with the same plain id.
 */
export function aggregateIdOf(
  { aggregateTypes, processTypes = [] }: Pick<Context, 'aggregateTypes' | 'processTypes'>,
  type: string,
  id: string,
): string {
  const types = [...aggregateTypes, ...processTypes];
  if (!types.includes(type)) throw new Error(`${type} is no type of aggregate of ${types.join()}`);
  if (id.includes(SEPARATOR)) throw new Fault('internal', 'HOSTILE_ID', `${JSON.stringify(id)} is no plain id`);
  return type === aggregateTypes[0] ? id : `${type}${SEPARATOR}${id}`;
}

/** The type of an aggregate by its id among all of the context's, such as `commit.aggregateId`. */
export function aggregateTypeOf({ aggregateTypes }: Pick<Context, 'aggregateTypes'>, aggregateId: string): string {
  const end = aggregateId.indexOf(SEPARATOR);
  return end < 0 ? aggregateTypes[0] : aggregateId.slice(0, end);
}

/** The plain id in an id among all of the context's. */
export function plainIdOf(aggregateId: string): string {
  return aggregateId.slice(aggregateId.indexOf(SEPARATOR) + 1);
}
