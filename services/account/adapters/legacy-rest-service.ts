import type {
  AccountRestServiceServer,
  User,
} from '../../../gen/threadweaver/legacy/account/v1/account_rest_service.js';
import { inLegacyWords, type LegacyWording } from '../../../platform/grpc/legacy-texts.js';
import type { UnaryHandlers } from '../../../platform/grpc/unary-service.js';
import { snakeCasePath, type InvalidRequest } from '../../../platform/kernel/field-violation.js';
import { JsonFields } from '../../../platform/kernel/json-fields.js';
import { orInvalidRequest, RequestChecks } from '../../../platform/kernel/request-checks.js';
import { parseUlid } from '../../../platform/kernel/ulid.js';
import { parseLegacyWindow } from '../../../platform/queries/legacy-window.js';
import type { Account, Profile } from '../domain/account.js';
import { birthdayText } from '../domain/birthday.js';
import {
  parseEmail,
  parsePassword,
  parsePrefix,
  parseProfile,
  parseRefreshToken,
  profileFields,
} from './account-parsing.js';
import { deviceNameOf } from './account-service.js';
import { callerOf, type AccountServices } from './account-services.js';

const wording: LegacyWording = { nameOf: snakeCasePath };

/** What is wrong with a request, in the words of the older API. */
export function inLegacyAccountWords(error: InvalidRequest): Error {
  return inLegacyWords(error, wording);
}

/** People that one answer may have. */
export const MAX_USERS = 1_000;
/** Ids were UUIDs once, and are opaque to clients. */
const MAX_ID_LENGTH = 100;

/** What proves something of the older messenger's accounts, as Envoy transcodes it. Any password that is not empty will do. */
export function legacyAccountService({
  accounts,
  signIns,
}: AccountServices): Omit<UnaryHandlers<AccountRestServiceServer>, keyof ReturnType<typeof legacyAccountLookups>> {
  return {
    async signUp(body, context) {
      const fields = fieldsOf(body);
      const account = fields.check(() => {
        const checks = new RequestChecks();
        const textOf = (name: string): string => fields.text(name) ?? '';
        const email = parseEmail(checks, 'email', textOf('email'));
        const password = parsePassword(checks, 'password', textOf('password'));
        const texts = Object.fromEntries(profileFields.map((name) => [name, textOf(name)]));
        const profile = parseProfile(checks, texts, profileFields) as Profile;
        return orInvalidRequest(checks.finish({ email, password, profile }));
      });
      context.annotate({ account_id: await accounts.signUp(account, context.client) });
      return {};
    },

    async signIn(body, context) {
      const fields = fieldsOf(body);
      const { email, password } = fields.check(() => {
        const checks = new RequestChecks();
        const address = parseEmail(checks, 'email', fields.text('email') ?? '');
        const secret = parsePassword(checks, 'password', fields.text('password') ?? '');
        return orInvalidRequest(checks.finish({ email: address, password: secret }));
      });
      const { accountId, tokens } = await signIns.signIn(email, password, deviceNameOf(context), context.client);
      context.annotate({ account_id: accountId });
      return { accessToken: tokens.accessToken, refreshToken: tokens.refreshToken };
    },

    async refreshToken(body) {
      const fields = fieldsOf(body);
      const token = fields.check(() => {
        const checks = new RequestChecks();
        return orInvalidRequest(checks.finish(parseRefreshToken(checks, fields.text('refreshToken') ?? '')));
      });
      const { accessToken, refreshToken } = await signIns.refresh(token);
      return { accessToken, refreshToken };
    },
  };
}

/** What only reads. */
export function legacyAccountLookups({ store, accounts, bearers }: AccountServices) {
  return {
    async authenticate(body, context) {
      await callerOf(bearers, context);
      const fields = fieldsOf(body);
      fields.check(() => fields.text('resource'));
      return { isAuthenticated: true };
    },

    async getUserByEmail(request, context) {
      await bearers.known(context.header('authorization'));
      const checks = new RequestChecks();
      const email = orInvalidRequest(checks.finish(parseEmail(checks, 'email', request.email)));
      return { userId: await accounts.findId(email) };
    },

    async getUserByToken(_request, context) {
      const { accountId } = await callerOf(bearers, context);
      return userMessage(await accounts.get(accountId));
    },

    async getUsersByAnthroponym(request, context) {
      await bearers.known(context.header('authorization'));
      const checks = new RequestChecks();
      const prefix = parsePrefix(checks, 'anthroponym', request.anthroponym);
      const window = parseLegacyWindow(checks, request, MAX_USERS);
      orInvalidRequest(checks.finish({}));
      const page = { after: '', offset: window.offset ?? 0, limit: window.limit };
      const [count, users] = await Promise.all([store.count(prefix), store.search(prefix, page)]);
      return { count, users: users.map(userMessage) };
    },

    async getUsersByIds(body, context) {
      await bearers.known(context.header('authorization'));
      const fields = fieldsOf(body);
      const ids = fields.check(() => {
        const checks = new RequestChecks();
        const texts = fields.texts('userIds');
        if (body.userIds === undefined) checks.add('userIds', { kind: 'missing' });
        if (texts.length > MAX_USERS) {
          checks.add('userIds', { kind: 'too-many', maximum: MAX_USERS, actual: texts.length });
        } else {
          texts.forEach((id, index) => checks.text(`userIds[${index}]`, id, { minimum: 1, maximum: MAX_ID_LENGTH }));
        }
        return orInvalidRequest(checks.finish(texts));
      });
      // What is no ULID is nobody's id.
      const known = ids.map(parseUlid).flatMap((id) => (id.ok ? [id.value] : []));
      return { users: (await store.findAll([...new Set(known)])).map(userMessage) };
    },
  } satisfies Partial<UnaryHandlers<AccountRestServiceServer>>;
}

function fieldsOf(body: object): JsonFields {
  return new JsonFields(body as Readonly<Record<string, unknown>>);
}

function userMessage({ id, email, profile: { birthday, ...texts } }: Account): User {
  return { id, email: email.shown, ...texts, birthday: birthday === undefined ? '' : birthdayText(birthday) };
}
