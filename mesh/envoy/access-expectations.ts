import type { AccessRule } from '../../platform/kernel/access-rules.js';

/** Who tries to call, for an account. */
export const callers = [
  'nobody',
  'the account',
  'another account',
  'an administrator',
  'a service for the account',
  'a service for another account',
  'the account with a token that is over',
  'the account with a token for refreshing',
] as const;
export type Caller = (typeof callers)[number];

/** What becomes of it: it reaches the method, or is refused as not known (401), or as not allowed (403). */
export type Admission = 'let in' | 'unauthenticated' | 'denied';

const wrongTokens = {
  'the account with a token that is over': 'unauthenticated',
  'the account with a token for refreshing': 'unauthenticated',
} as const;

/**
 * Caller × rule: replayed for each method against the services, Envoy (e2e/identity.e2e.test.ts) and Istio (verify:mesh). A
 * service for another account is one whose `x-acting-for` and request name two; from outside that header does not come in.
 */
export const expectations: Readonly<
  Record<Exclude<AccessRule['who'], 'operator'>, Readonly<Record<Caller, Admission>>>
> = {
  anybody: {
    nobody: 'let in',
    'the account': 'let in',
    'another account': 'let in',
    'an administrator': 'let in',
    'a service for the account': 'let in',
    'a service for another account': 'let in',
    'the account with a token that is over': 'let in',
    'the account with a token for refreshing': 'let in',
  },
  known: {
    nobody: 'unauthenticated',
    'the account': 'let in',
    'another account': 'let in',
    'an administrator': 'let in',
    'a service for the account': 'let in',
    'a service for another account': 'let in',
    ...wrongTokens,
  },
  account: {
    nobody: 'unauthenticated',
    'the account': 'let in',
    'another account': 'denied',
    // Whoever looks after the installation takes no part in anybody's threads.
    'an administrator': 'denied',
    'a service for the account': 'let in',
    'a service for another account': 'denied',
    ...wrongTokens,
  },
  administrator: {
    nobody: 'unauthenticated',
    'the account': 'denied',
    'another account': 'denied',
    'an administrator': 'let in',
    'a service for the account': 'denied',
    'a service for another account': 'denied',
    ...wrongTokens,
  },
  service: {
    nobody: 'unauthenticated',
    'the account': 'denied',
    'another account': 'denied',
    'an administrator': 'denied',
    'a service for the account': 'let in',
    'a service for another account': 'let in',
    ...wrongTokens,
  },
};
