import type { AccountServiceServer } from '../../../gen/threadweaver/account/v1/account_service.js';
import type { CallContext, UnaryHandlers } from '../../../platform/grpc/unary-service.js';
import { orInvalidRequest, RequestChecks } from '../../../platform/kernel/request-checks.js';
import type { Profile } from '../domain/account.js';
import { accountMessage, tokensMessage } from './account-messages.js';
import { parseEmail, parseNewPassword, parsePassword, parseProfile, parseRefreshToken } from './account-parsing.js';
import type { accountLookups } from './account-lookups.js';
import { callerOf, type AccountServices } from './account-services.js';

const MAX_DEVICE_NAME_LENGTH = 100;

/** Calls of threadweaver.account.v1.AccountService that prove or change something. */
export function accountService({
  store,
  accounts,
  signIns,
  bearers,
  minPasswordLength: minimum,
}: AccountServices): Omit<UnaryHandlers<AccountServiceServer>, keyof ReturnType<typeof accountLookups>> {
  return {
    async signUp(request, context) {
      const checks = new RequestChecks();
      const email = parseEmail(checks, 'email', request.email);
      const { name, surname, birthday, sex, city, interests } = request;
      const password = parseNewPassword(checks, 'password', request.password, minimum, { email, name, surname });
      const texts = { name, surname, birthday, sex, city, interests };
      const profile = parseProfile(checks, texts, ['name']) as Profile;
      const account = orInvalidRequest(checks.finish({ email, password, profile }));
      const accountId = await accounts.signUp(account, context.client);
      context.annotate({ account_id: accountId });
      return { accountId };
    },

    async signIn(request, context) {
      const checks = new RequestChecks();
      const email = parseEmail(checks, 'email', request.email);
      const password = parsePassword(checks, 'password', request.password);
      const name = checks.text('deviceName', request.deviceName, { maximum: MAX_DEVICE_NAME_LENGTH });
      const parsed = orInvalidRequest(checks.finish({ email, password }));
      const device = name === '' ? deviceNameOf(context) : name;
      const { accountId, tokens } = await signIns.signIn(parsed.email, parsed.password, device, context.client);
      context.annotate({ account_id: accountId });
      return { accountId, tokens: tokensMessage(tokens) };
    },

    async refreshTokens(request) {
      const checks = new RequestChecks();
      const token = orInvalidRequest(checks.finish(parseRefreshToken(checks, request.refreshToken)));
      return { tokens: tokensMessage(await signIns.refresh(token)) };
    },

    async updateProfile(request, context) {
      const { accountId } = await callerOf(bearers, context);
      const checks = new RequestChecks();
      const changes = orInvalidRequest(checks.finish(parseProfile(checks, request, ['name'])));
      return { account: accountMessage(await accounts.updateProfile(accountId, changes)) };
    },

    async changePassword(request, context) {
      const { accountId, deviceId: device } = await callerOf(bearers, context);
      const { email, profile } = await accounts.get(accountId);
      const checks = new RequestChecks();
      const current = parsePassword(checks, 'currentPassword', request.currentPassword);
      const next = parseNewPassword(checks, 'newPassword', request.newPassword, minimum, { email, ...profile });
      const change = orInvalidRequest(checks.finish({ current, next, device }));
      await accounts.changePassword(accountId, change, context.client);
      return {};
    },

    async signOut(request, context) {
      const { accountId, deviceId } = await callerOf(bearers, context);
      const checks = new RequestChecks();
      const chosen = checks.optionalUlid('deviceId', request.deviceId === '' ? deviceId : request.deviceId);
      orInvalidRequest(checks.finish({}));
      if (chosen !== undefined) await store.signOut(accountId, chosen);
      return {};
    },

    async signOutEverywhere(_request, context) {
      const { accountId } = await callerOf(bearers, context);
      await store.signOut(accountId, undefined);
      return {};
    },

    async deleteAccount(request, context) {
      const { accountId } = await callerOf(bearers, context);
      const checks = new RequestChecks();
      const password = orInvalidRequest(checks.finish(parsePassword(checks, 'password', request.password)));
      await accounts.delete(accountId, password, context.client);
      return {};
    },
  };
}

/** What a device is called that does not say. */
export function deviceNameOf(context: CallContext): string {
  return [...(context.header('user-agent') ?? '')].slice(0, MAX_DEVICE_NAME_LENGTH).join('');
}
