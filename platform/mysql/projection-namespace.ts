/** Which projection, among those of a database. */
export interface ProjectionIdentity {
  /** In the tables of checkpoints and dead letters; at most 64 characters of ASCII. */
  readonly name: string;
  /**
   * Keeps the names of its migrations, and of its rebuild's lock and databases, from those of others: lower case letters,
   * digits, - and _. Empty for the one projection of a database from before there could be several, whose names have none.
   * Never changes once something is written.
   *
   * @default its name
   */
  readonly namespace?: string;
}

/** @throws Error it could not be part of a name */
export function namespaceOf({ name, namespace = name }: ProjectionIdentity): string {
  if (/^[a-z0-9_-]{0,32}$/.test(namespace)) return namespace;
  throw new Error(`${JSON.stringify(namespace)} is no namespace of a projection`);
}

/** Under which name one of its steps is kept in the table of migrations. */
export function migrationName(projection: ProjectionIdentity, step: string): string {
  const namespace = namespaceOf(projection);
  return namespace === '' ? step : `${namespace}/${step}`;
}

/** Whether a name in the table of migrations is one of its steps. */
export function isMigrationOf(projection: ProjectionIdentity, name: string): boolean {
  const namespace = namespaceOf(projection);
  return namespace === '' ? !name.includes('/') : name.startsWith(`${namespace}/`);
}

/** The databases beside the one of this name that a rebuild makes for itself. */
export function rebuildDatabases(projection: ProjectionIdentity, live: string): { shadow: string; replaced: string } {
  const namespace = namespaceOf(projection);
  const suffix = namespace === '' ? '' : `_${namespace}`;
  return { shadow: `${live}__rebuild${suffix}`, replaced: `${live}__replaced${suffix}` };
}

/** Held, as a lock of the server's, by the session of a rebuild; SQL. */
export function rebuildLockSql(projection: ProjectionIdentity): string {
  const namespace = namespaceOf(projection);
  // A lock's name has 64 characters at most, as many as a database's.
  return namespace === ''
    ? "LEFT(CONCAT('rebuild ', DATABASE()), 64)"
    : `CONCAT('rebuild ', SHA1(CONCAT(DATABASE(), ' ${namespace}')))`;
}

/** SQL, for a row of `projection_checkpoints`. The pause of a rebuild that has died is none. */
export function isPausedSql(projection: ProjectionIdentity): string {
  return `(paused_by IS NOT NULL AND (paused_by <> 'rebuild' OR IS_FREE_LOCK(${rebuildLockSql(projection)}) = 0))`;
}
