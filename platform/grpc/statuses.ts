import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { Fault, toError, type FaultKind } from '../kernel/fault.js';
import { describeFault, InvalidRequest, snakeCasePath, type FieldViolation } from '../kernel/field-violation.js';
import { JournalUnavailable } from '../journal/journal.js';

/** Who defines the reasons in ErrorInfo. */
const ERROR_DOMAIN = 'threadweaver';
const NAMED_IN_MESSAGE = 10;

const codeOfKind: Record<FaultKind, status> = {
  unauthenticated: status.UNAUTHENTICATED,
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

const kindOfCode = new Map(Object.entries(codeOfKind).map(([kind, code]) => [code, kind as FaultKind]));

/**
 * The way back: what another service has answered, as a Fault with the reason that it gave. A request that it takes for
 * invalid is a fault of ours who made it.
 */
export function faultOf(error: ServiceError): Fault {
  const kind = kindOfCode.get(error.code) ?? 'internal';
  return new Fault(kind, reasonOf(error.metadata) ?? status[error.code], error.details, { cause: error });
}

function reasonOf(metadata: Metadata): string | undefined {
  const [bytes] = metadata.get('grpc-status-details-bin');
  if (!(bytes instanceof Buffer)) return undefined;
  try {
    const info = Status.decode(bytes).details.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.ErrorInfo'));
    return info && (ErrorInfo.decode(info.value).reason || undefined);
  } catch {
    return undefined;
  }
}

/** True for what the operators, and not the caller, have to look at. */
export function isOurFault(code: status): boolean {
  return code === status.INTERNAL || code === status.UNKNOWN || code === status.DATA_LOSS;
}

function faultError(fault: Fault): ServiceError {
  const info = ErrorInfo.fromPartial({ reason: fault.reason, domain: ERROR_DOMAIN, metadata: { ...fault.metadata } });
  const error = serviceError(codeOfKind[fault.kind], fault.message, [
    { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(ErrorInfo.encode(info).finish()) },
    ...(fault.violations.length > 0 ? [badRequestDetail(fault.violations)] : []),
  ]);
  // RFC 6750.
  if (fault.kind === 'unauthenticated') error.metadata.set('www-authenticate', 'Bearer');
  return error;
}

function invalidRequestError(error: InvalidRequest): ServiceError {
  const message = error.summary ?? summaryOf(error.violations);
  return serviceError(status.INVALID_ARGUMENT, message, [badRequestDetail(error.violations)]);
}

/** The message names the first few fields; the details name them all. */
function summaryOf(violations: readonly FieldViolation[]): string {
  const named = violations
    .slice(0, NAMED_IN_MESSAGE)
    .map(({ path, fault }) => `${snakeCasePath(path)} ${describeFault(fault)}`);
  const more = violations.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function badRequestDetail(violations: readonly FieldViolation[]): Status['details'][number] {
  const badRequest = BadRequest.fromPartial({
    fieldViolations: violations.map(({ path, fault }) => ({
      field: snakeCasePath(path),
      description: describeFault(fault),
    })),
  });
  return {
    typeUrl: 'type.googleapis.com/google.rpc.BadRequest',
    value: Buffer.from(BadRequest.encode(badRequest).finish()),
  };
}

function serviceError(code: status, message: string, details: Status['details']): ServiceError {
  const metadata = new Metadata();
  const rpcStatus = Buffer.from(Status.encode({ code, message, details }).finish());
  metadata.set('grpc-status-details-bin', rpcStatus);
  return Object.assign(new Error(message), { code, details: message, metadata });
}
