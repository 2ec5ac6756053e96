import type { ExplainedRows } from './explained-rows.js';
import type { Migration } from './migrate-database.js';
import type { ProjectedRows } from './projection-store.js';
import type { ProjectionIdentity } from './projection-namespace.js';

/** A projection of a context into MySQL, as its projectors and its operators know it. Several may share a database. */
export interface ProjectionDeclaration extends ProjectionIdentity {
  /** The tables that are its own: a rebuild makes these anew and puts these in place, and touches no others. */
  readonly tables: readonly string[];
  readonly rows: ProjectedRows;
  /** Where its rows come from, for `admin … explain`. @default that cannot be explained */
  readonly explained?: ExplainedRows;
  /** The steps that make its tables, as `migrationsOf` names them. */
  readonly migrations: readonly Migration[];
}
