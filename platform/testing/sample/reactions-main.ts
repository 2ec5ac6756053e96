import { runReaction } from '../../composition/run-reaction.js';
import { mortalReaction, mortalTarget } from './mortal.js';
import { projectionSettings } from './settings.js';
import { shopContext } from './context.js';
import { fulfilment, order, stock } from './shop.js';

runReaction(shopContext, fulfilment.name, projectionSettings, async (node) => {
  const commands = await node.commandsOf(shopContext);
  const targets = { order: mortalTarget(commands.to(order)), stock: mortalTarget(commands.to(stock)) };
  return mortalReaction(node.process(fulfilment, targets));
});
