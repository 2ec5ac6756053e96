import type { ServiceError, status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';

/** A failed call, with its google.rpc details. */
export interface Failure {
  readonly code: status;
  readonly message: string;
  /** Field → description, of the BadRequest; empty when there is none. */
  readonly fields: Readonly<Record<string, string>>;
  /** Of the ErrorInfo; undefined when there is none. */
  readonly reason: string | undefined;
}

/** @throws Error when the call succeeds after all */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    (response) => {
      throw new Error(`the call succeeded: ${JSON.stringify(response)}`);
    },
    (thrown: unknown) => thrown as ServiceError,
  );
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const { details } = bytes === undefined ? { details: [] } : Status.decode(bytes as Buffer);
  const detail = (type: string) => details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`);
  const badRequest = detail('BadRequest');
  const errorInfo = detail('ErrorInfo');
  return {
    code: error.code,
    message: error.details,
    fields: Object.fromEntries(
      badRequest === undefined
        ? []
        : BadRequest.decode(badRequest.value).fieldViolations.map(({ field, description }) => [field, description]),
    ),
    reason: errorInfo === undefined ? undefined : ErrorInfo.decode(errorInfo.value).reason,
  };
}
