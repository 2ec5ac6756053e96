import { rulesOf, type AccessRule, type AccessRules } from '../../../platform/kernel/access-rules.js';

/** Every request names the account that acts. */
const acting: AccessRule = { who: 'account', field: 'accountId' };

const olderCommands = [
  ...['CreateThread', 'DestroyThread', 'JoinAdministratorIds', 'LeaveAdministratorIds', 'JoinMemberIds'],
  ...['LeaveMemberIds', 'AddMessages', 'RemoveMessages'],
];

/** Who may call what of threads. */
export const threadAccessRules: AccessRules = {
  ...rulesOf(
    'threadweaver.thread.v1.ThreadCommandService',
    [...olderCommands, 'EditMessage', 'UpdateThread', 'AddReaction', 'RemoveReaction', 'MarkRead'],
    acting,
  ),
  ...rulesOf(
    'threadweaver.thread.v1.ThreadQueryService',
    [
      ...['GetThread', 'ListThreads', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages', 'GetReadState'],
      ...['ListRecentThreads', 'ListChildThreads', 'SearchMessages', 'WatchThread'],
    ],
    acting,
  ),
  ...rulesOf('thread.ThreadCommandService', olderCommands, acting),
  ...rulesOf('thread.ThreadQueryService', ['GetThread', 'GetThreads', 'GetMessages'], acting),
  ...rulesOf('threadweaver.legacy.thread.v1.ThreadRestCommandService', olderCommands, acting),
  ...rulesOf(
    'threadweaver.legacy.thread.v1.ThreadRestQueryService',
    ['GetThread', 'ListThreads', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages', 'WatchThread'],
    acting,
  ),
};
