import { runAdmin } from '../../admin/admin-program.js';
import { shopContext } from './context.js';
import { shopView } from './shop-view.js';

const shop = { context: shopContext, projections: [shopView], reactions: ['fulfilment', 'receipts'] };
process.exitCode = await runAdmin([shop], process.argv.slice(2));
