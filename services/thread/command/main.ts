import { runCommands } from '../../../platform/composition/run-commands.js';
import { settings as read, settingsOrExit } from '../../../platform/process/settings.js';
import { threadContext } from '../events/context.js';
import { bindCommandServices } from './adapters/bind-services.js';
import { withinQuota } from './adapters/jetstream-creation-quota.js';
import { threadAggregate } from './adapters/thread-aggregate.js';
import { threadCommandSettings } from './config.js';
import { ThreadCommandHandler } from './runtime/thread-command-handler.js';

const settings = settingsOrExit(() => read(threadCommandSettings));

runCommands(threadContext, settings, async (node) => {
  const { installation, natsReplicas: replicas, journalMaxStreamsPerAccount: limit } = settings;
  // With a stream for each thread, streams are what one account could take from all others.
  const isBounded = installation.journalLayout === 'per-thread';
  const before = isBounded
    ? await withinQuota(node.link, { prefix: threadContext.prefix, limit, replicas })
    : undefined;
  return bindCommandServices(new ThreadCommandHandler(node.add(threadAggregate, before)), node.calls);
});
