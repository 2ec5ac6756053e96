import type { Context } from '../../journal/context.js';
import { shopCodec, type ShopEvent } from './shop.js';

export const shopContext: Context<ShopEvent> = {
  name: 'shop',
  prefix: 'SHOP',
  codec: shopCodec,
  aggregateTypes: ['order', 'stock'],
  processTypes: ['fulfilment'],
};
