import type { Context } from '../journal/context.js';
import { reactionProjection } from '../mysql/reaction-projection.js';
import { ReactingStore } from '../reactions/reacting-store.js';
import type { Reaction } from '../reactions/reaction.js';
import type { ProjectionSettings } from './projection-settings.js';
import { ReactionNode } from './reaction-node.js';
import { runProjectionNode } from './run-projection.js';

/**
 * Runs the process that carries out one reaction to a context's feed, one instance of perhaps several. A reaction has a
 * process of its own, so that one that waits holds up no other.
 *
 * @param name the reaction's
 * @param settings a projection's: MYSQL_URL is where its position and its dead letters are kept
 */
export function runReaction(
  context: Context,
  name: string,
  settings: ProjectionSettings,
  compose: (node: ReactionNode) => Promise<Reaction>,
): void {
  const projection = reactionProjection(name);
  runProjectionNode(`${context.name}-${name}`, context, projection, settings, async (link, logger) => {
    const node = new ReactionNode(context, settings, logger, link);
    const reaction = await compose(node);
    if (reaction.name !== name) throw new Error(`the reaction ${name} calls itself ${reaction.name}`);
    await node.announceTakeover();
    return {
      storeBefore: (store) => new ReactingStore(store, reaction),
      finish: () => node.finish(settings.drainTimeoutMs / 4),
    };
  });
}
