import { commandSettings as commands } from '../../composition/command-settings.js';
import { projectionSettings as projections } from '../../composition/projection-settings.js';
import { settings } from '../../process/settings.js';

export const commandSettings = settings(commands(0, 'order'));

// Two partitions, and short waits, so that what is killed is soon noticed.
const quick = { PROJECTION_PARTITIONS: '2', MYSQL_ABANDON_AFTER_SECONDS: '2', PROJECTION_CHECK_EVERY_MS: '200' };
export const projectionSettings = settings(projections(0, 'order'), { ...process.env, ...quick });
