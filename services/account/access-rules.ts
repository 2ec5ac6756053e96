import { rulesOf, type AccessRules } from '../../platform/kernel/access-rules.js';

const people = 'threadweaver.account.v1.AccountService';
const older = 'threadweaver.legacy.account.v1.AccountRestService';

/**
 * Who may call what of accounts: what gives tokens needs none. However AUTH is set, the service also looks itself whose a token is,
 * and whether that is signed in: only it knows.
 */
export const accountAccessRules: AccessRules = {
  ...rulesOf(people, ['SignUp', 'SignIn', 'RefreshTokens'], { who: 'anybody' }),
  ...rulesOf(
    people,
    [
      ...['Authenticate', 'GetAccount', 'FindAccount', 'SearchPeople', 'BatchGetPeople', 'UpdateProfile'],
      ...['ChangePassword', 'SignOut', 'SignOutEverywhere', 'ListDevices', 'DeleteAccount'],
    ],
    { who: 'known' },
  ),
  ...rulesOf(older, ['SignUp', 'SignIn', 'RefreshToken'], { who: 'anybody' }),
  ...rulesOf(older, ['Authenticate', 'GetUserByEmail', 'GetUserByToken', 'GetUsersByAnthroponym', 'GetUsersByIds'], {
    who: 'known',
  }),
  ...rulesOf('threadweaver.account.internal.v1.RevocationService', ['WatchRevocations'], { who: 'service' }),
};
