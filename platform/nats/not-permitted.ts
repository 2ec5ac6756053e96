import { PermissionViolationError } from '@nats-io/transport-node';

/** True when the user that this process has in NATS may not do it: it is for another process to do (mesh/rights). */
export function isNotPermitted(error: unknown): boolean {
  return error instanceof PermissionViolationError || (error instanceof Error && isNotPermitted(error.cause));
}
