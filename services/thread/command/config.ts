import { commandSettings } from '../../../platform/composition/command-settings.js';
import { integer } from '../../../platform/process/settings.js';

/** Settings of thread-command. */
export const threadCommandSettings = {
  ...commandSettings(50_051, 'thread'),
  journalMaxStreamsPerAccount: integer(
    'JOURNAL_MAX_STREAMS_PER_ACCOUNT',
    { default: 1_000, minimum: 1 },
    'with `per-thread`: so many threads may an account create, destroyed ones included, as their streams stay ([limits](limits.md#threads-of-an-account))',
  ),
};
