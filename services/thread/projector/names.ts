import { threadContext } from '../events/context.js';

/** Stands before the names of this context's streams and subjects. */
export const PREFIX = threadContext.prefix;
/** Stands before the names of the projectors' own. */
export const PROJECTION_PREFIX = `${PREFIX}_PROJECTION`;
/** The projection in the tables of checkpoints and dead letters. */
export const PROJECTION = 'threads';
