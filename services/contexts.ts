import type { AdministeredAccounts, AdministeredContext } from '../platform/admin/admin-program.js';
import { createAdministrator } from './account/adapters/create-administrator.js';
import { migrations } from './account/migrations/index.js';
import { threadContext } from './thread/events/context.js';
import { threadsProjection } from './thread/projector/projection.js';

/** All contexts, as operators look after them. A new one comes in here. */
export const contexts: readonly AdministeredContext[] = [{ context: threadContext, projections: [threadsProjection] }];

/** People's accounts, which are no context: they have no journal. */
export const accounts: AdministeredAccounts = { migrations, createAdministrator };
