/** Stands before the names of what a context's projectors have in NATS of their own, such as their membership. */
export function projectionPrefixOf(contextPrefix: string): string {
  return `${contextPrefix}_PROJECTION`;
}
