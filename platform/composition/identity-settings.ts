import { KEY_RING_FILE } from '../identity/key-ring-file.js';
import { DEFAULT_ISSUER } from '../identity/token.js';
import { choice, group, httpUrl, integer, LONGEST_MS, port, text } from '../process/settings.js';

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

const jwksUrl = httpUrl(
  'JWKS_URL',
  { default: 'http://127.0.0.1:50056/.well-known/jwks.json' },
  'where the public keys are that tokens are checked by; the account service serves them',
);

/** Who may call: settings of every service. */
export const authSettings = group({
  mode: choice(
    'AUTH',
    ['off', 'jwt'],
    { default: 'off' },
    '`jwt`: calls need a token ([identity.md](identity.md)). `off`: whoever reaches the port may act for anybody',
  ),
  jwksUrl,
  issuer: tokenIssuer,
  keysEveryMs: integer(
    'JWKS_EVERY_MS',
    { default: 60_000, minimum: 100, maximum: LONGEST_MS },
    'how often the public keys are asked for; while nobody answers, the last ones count',
  ),
  keysCooldownMs: integer(
    'JWKS_COOLDOWN_MS',
    { default: 5_000, maximum: LONGEST_MS },
    'a token of an unknown key makes a service ask at once, but not again for so long',
  ),
  serviceTokenFile: text(
    'SERVICE_TOKEN_FILE',
    { default: '' },
    'what proves to other services who this one is; read again when it changes. `npm start` writes one for each with `AUTH=jwt`',
  ),
  clockToleranceMs: integer(
    'TOKEN_CLOCK_TOLERANCE_MS',
    { default: 5_000, maximum: 60_000 },
    'by how much clocks may differ',
  ),
});
