import type { CallContext } from '../../../platform/grpc/call-context.js';
import type { AccountStore } from '../runtime/account-store.js';
import type { Accounts } from '../runtime/accounts.js';
import type { Bearers, SignedIn } from '../runtime/bearers.js';
import type { SignIns } from '../runtime/sign-in.js';

/** What the services that people call stand on. */
export interface AccountServices {
  readonly store: AccountStore;
  readonly accounts: Accounts;
  readonly signIns: SignIns;
  readonly bearers: Bearers;
  /** Characters of a new password, at least; the older API takes any. */
  readonly minPasswordLength: number;
}

/** The account that a call is from, which its line of the log names. @throws Fault kind `unauthenticated` */
export async function callerOf(bearers: Bearers, context: CallContext): Promise<SignedIn> {
  const caller = await bearers.signedIn(context.header('authorization'));
  context.annotate({ account_id: caller.accountId });
  return caller;
}
