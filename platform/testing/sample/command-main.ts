import { runCommands } from '../../composition/run-commands.js';
import { commandSettings } from './settings.js';
import { shopContext } from './context.js';
import { order, stock } from './shop.js';

runCommands(shopContext, commandSettings, async (node) => {
  node.add(order);
  node.add(stock);
  return [];
});
