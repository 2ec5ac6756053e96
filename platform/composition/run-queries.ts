import type { BoundService } from '../grpc/unary-service.js';
import type { Context } from '../journal/context.js';
import type { Database } from '../mysql/database.js';
import type { AggregateVersions } from '../queries/read-model-versions.js';
import { QueryNode } from './query-node.js';
import type { QuerySettings } from './query-settings.js';
import { runDatabaseService } from './run-database-service.js';

/** What a context's queries are made of. */
export interface Queries {
  /** Asks its read model how far that is. */
  versions(database: Database): AggregateVersions;
  /** Binds the services that queries and watches come by. */
  services(node: QueryNode): readonly BoundService[];
}

/** A query holds some ids, a page token and at most 255 characters to search for. */
const MAX_REQUEST_BYTES = 64 * 1024;

/** Runs the process that answers a context's queries and lets its aggregates be watched, one instance of perhaps several. */
export function runQueries(context: Context, settings: QuerySettings, { versions, services }: Queries): void {
  runDatabaseService(`${context.name}-query`, settings, settings.mysqlUrl, (database) => {
    const node = new QueryNode({ context, settings, versions, ...database });
    return {
      services: services(node),
      access: context.access,
      maxRequestBytes: MAX_REQUEST_BYTES,
      start: () => node.connected.start(),
      endStreams: () => node.connected.stop(),
    };
  });
}
