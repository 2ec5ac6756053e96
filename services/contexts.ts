import type { AdministeredContext } from '../platform/admin/admin-program.js';
import { threadContext } from './thread/events/context.js';
import { threadsProjection } from './thread/projector/projection.js';

/** All contexts, as operators look after them. A new one comes in here. */
export const contexts: readonly AdministeredContext[] = [{ context: threadContext, projections: [threadsProjection] }];
