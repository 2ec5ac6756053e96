import type { CallContext } from './unary-service.js';
import { fingerprintOf } from '../kernel/derived-id.js';
import type { CommandOrigin } from '../commands/aggregate-model.js';

/**
 * The origin of a call. Its command id is made of the account, so that accounts cannot meet each other's requests, and of
 * the request id; in place of an absent one, of the call's `x-request-id` and the content, because proxies and tracing
 * libraries put one `x-request-id` on several different calls.
 *
 * @param requestId checked by the parser; "" when absent
 * @param content all that the caller asks for, but not the request id
 */
export function originOf(context: CallContext, accountId: string, requestId: string, content: object): CommandOrigin {
  const { trace, deadline } = context;
  const fingerprint = fingerprintOf(JSON.stringify(content));
  const key = requestId === '' ? `x/${trace.requestId}/${fingerprint}` : `r/${requestId}`;
  return { commandId: `${accountId}/${key}`, fingerprint, trace, deadline };
}
