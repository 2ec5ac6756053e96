import type { Context } from './context.js';

/** What a context's aggregates are called in texts, such as `thread`; `aggregate` where they are of several types. */
export function aggregateNounOf({ aggregateTypes: [first, ...others] }: Pick<Context, 'aggregateTypes'>): string {
  return others.length === 0 ? first : 'aggregate';
}
