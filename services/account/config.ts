import { jwksSettings, signerSettings } from '../../platform/composition/identity-settings.js';
import { serverSettings } from '../../platform/composition/server-settings.js';

/** Settings of account. */
export const accountSettings = { ...serverSettings(50_055), ...signerSettings, ...jwksSettings(50_056) };
