import { querySettings } from '../../../platform/composition/query-settings.js';

/** Settings of thread-query. */
export const threadQuerySettings = querySettings(50_052);
