import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '../../../gen/google/rpc/error_details.js';
import { Status } from '../../../gen/google/rpc/status.js';
import { Fault, toError, type FaultKind } from '../../kernel/fault.js';
import { describeFault, InvalidRequest, snakeCasePath } from '../../kernel/field-violation.js';
import { JournalUnavailable } from '../../runtime/journal.js';
import { LegacyInvalidRequest } from '../legacy/legacy-texts.js';

/** Who defines the reasons in ErrorInfo. */
const ERROR_DOMAIN = 'threadweaver';

const codeOfKind: Record<FaultKind, status> = {
  'permission-denied': status.PERMISSION_DENIED,
  'failed-precondition': status.FAILED_PRECONDITION,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  unavailable: status.UNAVAILABLE,
  'deadline-exceeded': status.DEADLINE_EXCEEDED,
  exhausted: status.RESOURCE_EXHAUSTED,
  'data-loss': status.DATA_LOSS,
  internal: status.INTERNAL,
};

/**
 * The gRPC status for whatever was thrown; the only place where statuses are made. A caller learns
 * nothing of our insides from an unforeseen error: the log has it.
 */
export function toServiceError(thrown: unknown): ServiceError {
  const error = toError(thrown);
  if (error instanceof InvalidRequest) return invalidRequestError(error);
  if (error instanceof Fault) return faultError(error);
  if (error instanceof JournalUnavailable) {
    return faultError(
      new Fault('unavailable', 'JOURNAL_UNAVAILABLE', 'the journal is unavailable, try again', { cause: error }),
    );
  }
  return faultError(new Fault('internal', 'INTERNAL', 'internal error', { cause: error }));
}

/** True for what the operators, and not the caller, have to look at. */
export function isOurFault(code: status): boolean {
  return code === status.INTERNAL || code === status.UNKNOWN || code === status.DATA_LOSS;
}

function faultError(fault: Fault): ServiceError {
  const info = ErrorInfo.fromPartial({ reason: fault.reason, domain: ERROR_DOMAIN });
  return serviceError(codeOfKind[fault.kind], fault.message, [
    { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(ErrorInfo.encode(info).finish()) },
  ]);
}

function invalidRequestError(error: InvalidRequest): ServiceError {
  const fieldViolations = error.violations.map(({ path, fault }) => ({
    field: snakeCasePath(path),
    description: describeFault(fault),
  }));
  const badRequest = BadRequest.fromPartial({ fieldViolations });
  const message =
    error instanceof LegacyInvalidRequest
      ? error.texts.join('\n')
      : fieldViolations.map(({ field, description }) => `${field} ${description}`).join('; ');
  return serviceError(status.INVALID_ARGUMENT, message, [
    {
      typeUrl: 'type.googleapis.com/google.rpc.BadRequest',
      value: Buffer.from(BadRequest.encode(badRequest).finish()),
    },
  ]);
}

function serviceError(code: status, message: string, details: Status['details']): ServiceError {
  const metadata = new Metadata();
  const rpcStatus = Buffer.from(Status.encode({ code, message, details }).finish());
  metadata.set('grpc-status-details-bin', rpcStatus);
  return Object.assign(new Error(message), { code, details: message, metadata });
}
