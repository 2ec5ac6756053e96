/** What a token is for. The two are never mixed: who checks the one takes no other. */
export const ACCESS_AUDIENCE = 'threadweaver';
/** For tokens that only get new ones. */
export const REFRESH_AUDIENCE = 'threadweaver-refresh';

/** Who signs, unless an installation calls itself otherwise. */
export const DEFAULT_ISSUER = 'threadweaver';

/** An access token counts for so long at most, in milliseconds: none can be called back. */
export const ACCESS_TOKEN_LIFE_MS = 5 * 60_000;

/** The type in the header of access tokens (RFC 9068), so that no other token of the same keys is taken for one. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Before a service's name in its tokens' subject. */
export const SERVICE_PREFIX = 'service:';
