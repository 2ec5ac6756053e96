import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import { parsePage, type PageRequest } from '../../../../platform/queries/paging.js';

export interface ThreadRequest {
  readonly accountId: string;
  readonly threadId: string;
}

export function parseThread(request: ThreadRequest): ThreadRequest {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const threadId = checks.ulid('threadId', request.threadId);
  return orInvalidRequest(checks.finish({ accountId, threadId }));
}

/** `maxSize` @default 1000 */
export function parseAccountList(
  list: string,
  request: { readonly accountId: string } & PageRequest,
  maxSize?: number,
) {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const page = parsePage(checks, { list, arguments: [accountId] }, request, maxSize);
  return orInvalidRequest(checks.finish({ accountId, page }));
}

export function parseThreadList(list: string, request: ThreadRequest & PageRequest) {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const threadId = checks.ulid('threadId', request.threadId);
  const page = parsePage(checks, { list, arguments: [accountId, threadId] }, request);
  return orInvalidRequest(checks.finish({ accountId, threadId, page }));
}
