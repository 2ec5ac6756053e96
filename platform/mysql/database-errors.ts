import { Fault, toError } from '../kernel/fault.js';

/** The connection failed, before or while it was used: nothing is known of a statement's outcome. */
const connectionCodes = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_PACKETS_OUT_OF_ORDER',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'DATABASE_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** What is missing is made by the migrations. */
const schemaErrors = new Set([
  1049, // unknown database
  1146, // no such table
  1054, // unknown column
]);

/**
 * What the server says when the trouble is its own, and passes, by itself or because somebody repairs it. The last
 * group concerns the database as a whole: no row is to blame, so no row may be set aside for it.
 */
const serverErrors = new Set([
  1205, // lock wait timeout
  1213, // deadlock
  1020, // record changed since last read (MariaDB's snapshot isolation)
  1040, // too many connections
  1203, // too many connections of this user
  1226, // a limit of the user
  1053, // shutting down
  1077, // normal shutdown
  1079, // shutdown complete
  1080, // forcing close
  1152, // aborted connection
  1153, // packet too large for this server's present setting
  1317, // query interrupted
  188, // a full-text search was ended, or found more than its bound
  1927, // connection was killed (MariaDB)
  1969, // statement timeout (MariaDB)
  3024, // statement timeout (MySQL)
  1792, // read-only transaction
  1290, // running with --read-only
  1836, // read-only mode
  3100, // rejected by group replication
  3101, // rolled back by group replication
  1021, // disk full
  1114, // table full
  1026, // error writing a file
  1030, // error from the storage engine, such as "no space left"
  1037, // out of memory
  1041, // out of memory
  1015, // cannot lock a file
  1016, // cannot open a file
  1194, // table crashed
  1412, // table definition changed under the transaction
  1044, // access denied to the database
  1045, // access denied
  1142, // command denied on the table
  1227, // privilege missing
  1698, // access denied (socket authentication)
  ...schemaErrors,
]);

/**
 * True when the same statement may succeed later without anybody changing it. False is a fault in the statement or
 * its values: repeating it is of no use.
 */
export function isTransientDatabaseError(thrown: unknown): boolean {
  if (thrown instanceof Fault) return thrown.kind === 'unavailable';
  return isConnectionLost(thrown) || serverErrors.has(errnoOf(thrown));
}

/** True when the connection that the error came from is of no more use. */
export function isConnectionLost(thrown: unknown): boolean {
  const { code, fatal, message } = thrown as { code?: unknown; fatal?: unknown; message?: unknown };
  if (typeof code === 'string' && connectionCodes.has(code)) return true;
  if (fatal === true) return true;
  return typeof message === 'string' && /closed state|Pool is closed/.test(message);
}

/** True when the server has ended a statement because it took too long, or found too much. */
export function isEndedByServer(thrown: unknown): boolean {
  return [188, 1969, 3024].includes(errnoOf(thrown));
}

/** True when a row was not inserted because one with the same unique key is there. */
export function isDuplicateKey(thrown: unknown): boolean {
  return errnoOf(thrown) === 1062;
}

/** True when the server is there but the database is not. */
export function isUnknownDatabase(thrown: unknown): boolean {
  return errnoOf(thrown) === 1049;
}

/**
 * Kind `unavailable`, reason DATABASE_UNAVAILABLE, when the trouble may pass; the error itself otherwise, which is a
 * fault of ours.
 */
export function toDatabaseError(thrown: unknown): Error {
  if (thrown instanceof Fault || !isTransientDatabaseError(thrown)) return toError(thrown);
  const cause = schemaErrors.has(errnoOf(thrown)) ? withRemedy(thrown) : thrown;
  return new Fault('unavailable', 'DATABASE_UNAVAILABLE', 'the database is unavailable, try again', { cause });
}

/** For operators, who alone see causes. */
function withRemedy(thrown: unknown): Error {
  const remedy =
    'npm run admin -- <context> projection migrate makes it anew (in Kubernetes: k8s/roll-out.sh), and the projector fills it from the journal';
  return Object.assign(new Error(`${toError(thrown).message}: ${remedy}`, { cause: thrown }), {
    errno: errnoOf(thrown),
  });
}

function errnoOf(thrown: unknown): number {
  const errno = (thrown as { errno?: unknown } | undefined)?.errno;
  return typeof errno === 'number' ? errno : 0;
}
