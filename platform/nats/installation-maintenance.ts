import { Fault } from '../kernel/fault.js';
import type { InstallationSettings } from './installation-settings.js';
import { inMaintenance, type InstallationValues, type Maintenance } from './installation-values.js';

/**
 * Keeps owners from starting; goes on with the same maintenance when that was interrupted.
 * @throws Fault reason INSTALLATION_IN_MAINTENANCE another one is under way
 */
export async function beginMaintenance(
  settings: InstallationSettings,
  given: InstallationValues,
  maintenance: Maintenance,
): Promise<void> {
  await settings.change(given, (kept) => {
    if (kept.maintenance !== undefined && kept.maintenance.task !== maintenance.task) throw inMaintenance(kept);
    return { ...kept, maintenance };
  });
}

/**
 * Lets owners start again, with other values if some are given.
 * @throws Fault reason NO_MAINTENANCE that task is not under way any more; nothing is changed
 */
export async function endMaintenance(
  settings: InstallationSettings,
  task: string,
  changed: Partial<InstallationValues> = {},
): Promise<void> {
  await settings.change(undefined, ({ maintenance, ...kept }) => {
    if (maintenance?.task !== task) {
      throw new Fault('failed-precondition', 'NO_MAINTENANCE', `somebody has ended "journal ${task}" meanwhile`);
    }
    return { ...kept, ...changed };
  });
}
