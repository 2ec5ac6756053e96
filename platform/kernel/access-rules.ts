/**
 * Who may call a method, where calls need tokens.
 *
 * - `anybody`: without a token
 * - `known`: whoever has a token
 * - `account`: the account that `field` of the request names, and services, which act for it
 * - `administrator`: accounts that look after the installation
 * - `service`: services
 * - `operator`: whoever reaches the loopback address that it is served on; it is never bound elsewhere
 */
export type AccessRule =
  | { readonly who: 'anybody' | 'known' | 'administrator' | 'service' | 'operator' }
  | { readonly who: 'account'; readonly field: string };

/** Rules by the path of the method, such as `/package.Service/Method`. */
export type AccessRules = Readonly<Record<string, AccessRule>>;

/** The same rule for methods of one service. */
export function rulesOf(service: string, methods: readonly string[], rule: AccessRule): AccessRules {
  return Object.fromEntries(methods.map((method) => [`/${service}/${method}`, rule]));
}
