/** Stands before the names of this context's streams and subjects. */
export const PREFIX = 'THREAD';
/** Stands before the names of the projectors' own. */
export const PROJECTION_PREFIX = 'THREAD_PROJECTION';
/** The projection in the tables of checkpoints and dead letters. */
export const PROJECTION = 'threads';
