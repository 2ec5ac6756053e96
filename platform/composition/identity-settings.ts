import { KEY_RING_FILE } from '../identity/key-ring-file.js';
import { DEFAULT_ISSUER } from '../identity/token.js';
import { port, text } from '../process/settings.js';

export const tokenIssuer = text('TOKEN_ISSUER', { default: DEFAULT_ISSUER }, 'who signs tokens, as they say');

/** Settings of what signs tokens. */
export const signerSettings = {
  keyRingFile: text(
    'KEY_RING_FILE',
    { default: `.data/${KEY_RING_FILE}` },
    "the installation's keys and when each is used ([identity.md](identity.md#keys)); read again when it changes",
  ),
  tokenIssuer,
};

/** Settings of what serves public keys. @param jwksPort the service's own */
export function jwksSettings(jwksPort: number) {
  return {
    jwksHost: text(
      'JWKS_HOST',
      { default: '0.0.0.0', shown: '`0.0.0.0` (`127.0.0.1` under `npm start`)' },
      'address that serves the public keys',
    ),
    jwksPort: port('JWKS_PORT', { default: jwksPort }, 'port that serves them, by HTTP; 0 takes a free one'),
  };
}
