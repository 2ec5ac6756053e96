import { AccessControl, type AccessControlOptions } from '../grpc/access-control.js';
import { TokenVerifier } from '../identity/token-verifier.js';
import type { SettingsOf } from '../process/settings.js';
import type { authSettings } from './identity-settings.js';

/** Has a service look at tokens, where AUTH says so; undefined: everybody may everything. */
export function openAccessControl(
  auth: SettingsOf<{ auth: typeof authSettings }>['auth'],
  { rules, logger, observe }: Omit<AccessControlOptions, 'verifier'>,
): AccessControl | undefined {
  if (auth.mode === 'off') return undefined;
  const onTrouble = (error: Error): void => logger.warn({ error }, 'the public keys cannot be had');
  return new AccessControl({ rules, logger, observe, verifier: new TokenVerifier({ ...auth, onTrouble }) });
}
