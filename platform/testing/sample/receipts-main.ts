import { runReaction } from '../../composition/run-reaction.js';
import { Fault } from '../../kernel/fault.js';
import { effectReaction } from '../../reactions/effect-reaction.js';
import { shopContext } from './context.js';
import { mortalReaction } from './mortal.js';
import { projectionSettings } from './settings.js';
import { orderCodec, RECEIPTS } from './shop.js';

const url = process.env['RECEIPTS_URL'] ?? '';

// Tells somebody else's server of each event of an order.
runReaction(shopContext, RECEIPTS, projectionSettings, async () =>
  mortalReaction(
    effectReaction({
      name: RECEIPTS,
      inputs: orderCodec,
      maxRetryMs: 250,
      async deliver({ event, aggregateId, effectId }, signal) {
        const body = JSON.stringify({ order: aggregateId, event: event.type });
        const { status } = await fetch(url, { method: 'POST', headers: { 'idempotency-key': effectId }, body, signal });
        if (status === 503) throw new Fault('unavailable', 'RECEIPTS_BUSY', 'the server is busy');
        if (status !== 204) throw new Error(`the server refuses it with ${status}`);
      },
    }),
  ),
);
