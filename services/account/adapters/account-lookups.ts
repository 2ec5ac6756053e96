import type { AccountServiceServer } from '../../../gen/threadweaver/account/v1/account_service.js';
import type { UnaryHandlers } from '../../../platform/grpc/unary-service.js';
import { orInvalidRequest, RequestChecks } from '../../../platform/kernel/request-checks.js';
import { parsePage } from '../../../platform/queries/paging.js';
import { accountMessage, personMessage } from './account-messages.js';
import { parseEmail, parsePrefix } from './account-parsing.js';
import { callerOf, type AccountServices } from './account-services.js';

/** People that one request may name. */
export const MAX_IDS = 500;

/** Calls of threadweaver.account.v1.AccountService that only read. */
export function accountLookups({ store, accounts, bearers }: AccountServices) {
  return {
    async authenticate({ accessToken }, context) {
      const { accountId, deviceId, isAdministrator, expiresAt } = await bearers.signedIn(
        accessToken === '' ? context.header('authorization') : accessToken,
      );
      context.annotate({ account_id: accountId });
      return { accountId, deviceId: deviceId ?? '', isAdministrator, expireTime: new Date(expiresAt) };
    },

    async getAccount(_request, context) {
      const { accountId } = await callerOf(bearers, context);
      return { account: accountMessage(await accounts.get(accountId)) };
    },

    async findAccount(request, context) {
      await bearers.known(context.header('authorization'));
      const checks = new RequestChecks();
      const email = orInvalidRequest(checks.finish(parseEmail(checks, 'email', request.email)));
      return { accountId: await accounts.findId(email) };
    },

    async searchPeople(request, context) {
      await bearers.known(context.header('authorization'));
      const checks = new RequestChecks();
      const prefix = parsePrefix(checks, 'prefix', request.prefix);
      const page = parsePage(checks, { list: 'SearchPeople', arguments: [prefix] }, request);
      orInvalidRequest(checks.finish({}));
      const { after, limit } = page.window;
      const found = await store.search(prefix, { after: after?.id ?? '', offset: 0, limit });
      const { values, nextPageToken } = page.of(
        found.map((value) => ({ value, cursor: { position: 0, id: value.id } })),
      );
      return { people: values.map(personMessage), nextPageToken };
    },

    async batchGetPeople(request, context) {
      await bearers.known(context.header('authorization'));
      const checks = new RequestChecks();
      const ids = orInvalidRequest(checks.finish(checks.ulids('accountIds', request.accountIds, { maximum: MAX_IDS })));
      return { people: (await store.findAll(ids)).map(personMessage) };
    },

    async listDevices(_request, context) {
      const { accountId, deviceId } = await callerOf(bearers, context);
      const devices = (await store.listDevices(accountId)).map(({ id, name, signedInAt, rotatedAt }) => ({
        deviceId: id,
        name,
        signInTime: new Date(signedInAt),
        lastUsedTime: new Date(rotatedAt),
        isCurrent: id === deviceId,
      }));
      return { devices };
    },
  } satisfies Partial<UnaryHandlers<AccountServiceServer>>;
}
