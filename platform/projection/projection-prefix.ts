/**
 * Stands before the names of what a projection's projectors have in NATS of their own, such as their membership.
 *
 * @param namespace the projection's; empty for the one from before a context could have several
 */
export function projectionPrefixOf(contextPrefix: string, namespace: string): string {
  const prefix = `${contextPrefix}_PROJECTION`;
  return namespace === '' ? prefix : `${prefix}_${namespace}`;
}
