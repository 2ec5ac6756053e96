import { runAdmin } from '../platform/admin/admin-program.js';
import { accounts, contexts } from './contexts.js';

process.exitCode = await runAdmin(contexts, process.argv.slice(2), accounts);
