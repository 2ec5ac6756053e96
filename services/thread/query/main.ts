import { runQueries } from '../../../platform/composition/run-queries.js';
import { settings as read, settingsOrExit } from '../../../platform/process/settings.js';
import { threadContext } from '../events/context.js';
import { bindQueryServices } from './adapters/bind-services.js';
import { mySqlParticipationReader } from './adapters/mysql-participation-reader.js';
import { MySqlThreadReader } from './adapters/mysql-thread-reader.js';
import { mySqlThreadVersions } from './adapters/mysql-thread-versions.js';
import { threadQuerySettings } from './config.js';
import { ThreadWatches } from './runtime/thread-watch.js';

const settings = settingsOrExit(() => read(threadQuerySettings));

runQueries(threadContext, settings, {
  versions: mySqlThreadVersions,
  services: (node) =>
    bindQueryServices({
      ...{ versions: node.versions, turns: node.turns, logger: node.logger, observe: node.observe },
      reader: new MySqlThreadReader(node.database),
      minVersionWaitMs: settings.minVersionWaitMs,
      watches: new ThreadWatches({
        hub: () => node.hub,
        participations: mySqlParticipationReader(node.database),
        codec: threadContext.codec,
        turns: node.turns,
        maxPerClient: settings.maxWatchersPerClient,
        maxPerAccount: settings.maxWatchersPerAccount,
      }),
      stallMs: settings.watchStallMs,
    }),
});
