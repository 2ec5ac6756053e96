import type { Migration } from './migrate-database.js';
import type { ProjectedRows } from './projection-store.js';

/** A projection of a context into MySQL, as its projectors and its operators know it. */
export interface ProjectionDeclaration {
  /** In the tables of checkpoints and dead letters. */
  readonly name: string;
  readonly rows: ProjectedRows;
  readonly migrations: readonly Migration[];
}
