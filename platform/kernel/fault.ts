import type { FieldViolation } from './field-violation.js';

/**
 * What kinds of fault there are, by what the caller can do about it. Each becomes one gRPC
 * status (adapters/grpc/statuses.ts).
 *
 * - `unauthenticated`: the caller has not proved who it is
 * - `permission-denied`, `failed-precondition`, `not-found`, `already-exists`: a rejection on its way to the caller
 * - `unavailable`: nothing is wrong with the request; the outcome is unknown, repeat it with the same request id
 * - `deadline-exceeded`: the caller's time is up; the outcome is unknown, as above
 * - `exhausted`: a bound is reached (queue, streams, size)
 * - `data-loss`: stored data cannot be understood
 * - `internal`: a fault of ours
 */
export type FaultKind =
  | 'unauthenticated'
  | 'permission-denied'
  | 'failed-precondition'
  | 'not-found'
  | 'already-exists'
  | 'unavailable'
  | 'deadline-exceeded'
  | 'exhausted'
  | 'data-loss'
  | 'internal';

/** An error with a kind, a stable reason in UPPER_SNAKE_CASE for programs, and a message for people. */
export class Fault extends Error {
  override readonly name = 'Fault';
  /** The fields of the request that it is about, if it is about any. */
  readonly violations: readonly FieldViolation[];
  /** Facts for programs, such as where to resume, by names in lower_snake_case. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    readonly kind: FaultKind,
    readonly reason: string,
    message: string,
    options?: {
      cause?: unknown;
      violations?: readonly FieldViolation[];
      metadata?: Readonly<Record<string, string>>;
    },
  ) {
    super(message, options);
    this.violations = options?.violations ?? [];
    this.metadata = options?.metadata ?? {};
  }
}

/** `unknown`, as caught, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
