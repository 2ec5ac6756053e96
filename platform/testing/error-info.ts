import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';

/** What a gRPC error says in its google.rpc details. */
export interface ErrorDetails {
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** The fields that are wrong. */
  readonly fields: readonly string[];
}

export function errorDetails({ metadata }: Pick<ServiceError | StatusObject, 'metadata'>): ErrorDetails {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const { details } = bytes === undefined ? { details: [] } : Status.decode(bytes as Buffer);
  const valueOf = (type: string) =>
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`)?.value;
  const [info, badRequest] = [valueOf('ErrorInfo'), valueOf('BadRequest')];
  const { reason = undefined, metadata: facts = {} } = info === undefined ? {} : ErrorInfo.decode(info);
  const violations = badRequest === undefined ? [] : BadRequest.decode(badRequest).fieldViolations;
  return { reason, metadata: facts, fields: violations.map(({ field }) => field) };
}
