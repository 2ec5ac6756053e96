import { ACCESS_AUDIENCE, DEFAULT_ISSUER } from '../../platform/identity/token.js';
import { JWKS_PATH } from '../../platform/identity/jwks-server.js';
import { lbEndpoints, type Endpoint } from './endpoint.js';

/** How an edge asks for tokens. The services check them again: nothing is trusted because it came through Envoy. */
export interface EdgeTokens {
  /** Every instance of the account service, where it serves public keys. */
  readonly jwks: readonly Endpoint[];
  /** Paths that need no token: `openPathsOf` the rules. */
  readonly openPaths: readonly string[];
  /** @default 'threadweaver' */
  readonly issuer?: string;
  /** How often keys are asked for, in seconds. @default 60 */
  readonly keysEverySeconds?: number | undefined;
  /** Ports whose clients know no tokens: Envoy puts its own in, which acts for whom a request names. @default none */
  readonly tokenlessPorts?: readonly number[];
  /** That token, as a file of Envoy's secret discovery; wanted where there are such ports. */
  readonly serviceTokenFile?: string;
}

/** What an edge that asks for tokens has more, by the place in envoy.yaml that it goes to. */
export interface TokenParts {
  readonly TOKENS_FIRST: readonly object[];
  readonly TOKENS_BEFORE_BODIES: readonly object[];
  readonly TOKENS_ROUTES: readonly object[];
  readonly TOKENS_CLUSTERS: readonly object[];
}

const typed = (type: string, fields: object): object => ({ '@type': `type.googleapis.com/${type}`, ...fields });
/** What a good token says is there, in the metadata of envoy.filters.http.jwt_authn. */
export const TOKEN_METADATA = 'token';
const CLUSTER = 'public-keys';

/** @param lua the text of tokens.lua. None without `tokens`. */
export function tokenParts(tokens: EdgeTokens | undefined, lua: string): TokenParts {
  if (tokens === undefined) {
    return { TOKENS_FIRST: [], TOKENS_BEFORE_BODIES: [], TOKENS_ROUTES: [], TOKENS_CLUSTERS: [] };
  }
  return {
    TOKENS_FIRST: [
      {
        name: 'tokens',
        typed_config: typed('envoy.extensions.filters.http.lua.v3.Lua', {
          default_source_code: { inline_string: lua },
        }),
      },
    ],
    TOKENS_BEFORE_BODIES: [...serviceToken(tokens), tokenCheck(tokens)],
    TOKENS_ROUTES: [
      {
        name: 'public-keys',
        match: { path: JWKS_PATH, headers: [{ name: ':method', string_match: { exact: 'GET' } }] },
        route: { cluster: CLUSTER, host_rewrite_literal: 'account' },
      },
    ],
    TOKENS_CLUSTERS: [
      {
        ...{ name: CLUSTER, type: 'STRICT_DNS', dns_lookup_family: 'V4_PREFERRED', connect_timeout: '1s' },
        load_assignment: {
          cluster_name: CLUSTER,
          endpoints: [{ lb_endpoints: lbEndpoints(tokens.jwks) }],
        },
      },
    ],
  };
}

function tokenCheck({ openPaths, issuer = DEFAULT_ISSUER, keysEverySeconds = 60, ...tokens }: EdgeTokens): object {
  const provider = {
    issuer,
    audiences: [ACCESS_AUDIENCE],
    remote_jwks: {
      http_uri: { uri: `http://account${JWKS_PATH}`, cluster: CLUSTER, timeout: '2s' },
      // Envoy does not ask for a key that it does not know: new ones are published for longer than this.
      cache_duration: `${keysEverySeconds}s`,
      // Before the first request, and again before they are over.
      async_fetch: { failed_refetch_duration: '1s' },
    },
    from_headers: [{ name: 'authorization', value_prefix: 'Bearer ' }],
    forward: true,
    clock_skew_seconds: 5,
    // For limits by who calls: metadata envoy.filters.http.jwt_authn, path [token, sub].
    payload_in_metadata: TOKEN_METADATA,
    jwt_cache_config: { jwt_cache_size: 1_000 },
  };
  const filter = {
    name: 'envoy.filters.http.jwt_authn',
    typed_config: typed('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', {
      providers: { threadweaver: provider },
      rules: [
        ...[JWKS_PATH, ...openPaths].map((path) => ({ match: { path } })),
        { match: { prefix: '/' }, requires: { provider_name: 'threadweaver' } },
      ],
      bypass_cors_preflight: true,
    }),
  };
  const onTokenless = comesByTokenlessPort(tokens);
  return onTokenless === undefined ? filter : skippedWhere(onTokenless, filter);
}

function serviceToken({ serviceTokenFile: path, ...tokens }: Pick<EdgeTokens, 'serviceTokenFile' | 'tokenlessPorts'>) {
  const onTokenless = comesByTokenlessPort(tokens);
  if (onTokenless === undefined) return [];
  if (path === undefined) throw new Error('ports without tokens need a service token');
  const credential = { name: 'service-token', sds_config: { path_config_source: { path } } };
  const filter = {
    name: 'envoy.filters.http.credential_injector',
    typed_config: typed('envoy.extensions.filters.http.credential_injector.v3.CredentialInjector', {
      // Whatever their clients send there was never a token.
      overwrite: true,
      credential: {
        name: 'envoy.http.injected_credentials.generic',
        typed_config: typed('envoy.extensions.http.injected_credentials.generic.v3.Generic', {
          ...{ credential, header: 'authorization' },
        }),
      },
    }),
  };
  return [skippedWhere({ not_matcher: onTokenless }, filter)];
}

function comesByTokenlessPort({ tokenlessPorts: ports = [] }: Pick<EdgeTokens, 'tokenlessPorts'>): object | undefined {
  if (ports.length === 0) return undefined;
  const input = {
    name: 'envoy.matching.inputs.destination_port',
    typed_config: typed('envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput', {}),
  };
  return { single_predicate: { input, value_match: { safe_regex: { google_re2: {}, regex: ports.join('|') } } } };
}

/** The same filter, which calls pass by where `predicate` holds. */
function skippedWhere(predicate: object, filter: { readonly name: string }): object {
  const action = {
    name: 'skip',
    typed_config: typed('envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {}),
  };
  return {
    name: filter.name,
    typed_config: typed('envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
      xds_matcher: { matcher_list: { matchers: [{ predicate, on_match: { action } }] } },
      extension_config: filter,
    }),
  };
}
