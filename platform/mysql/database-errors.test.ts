import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Fault } from '../kernel/fault.js';
import { isConnectionLost, isTransientDatabaseError, toDatabaseError } from './database-errors.js';

const failure = (fields: object): Error => Object.assign(new Error('it failed'), fields);

describe('database errors', () => {
  const passing = {
    'refused connection': { code: 'ECONNREFUSED' },
    'lost connection': { code: 'PROTOCOL_CONNECTION_LOST', fatal: true },
    'our own time-out': { code: 'DATABASE_TIMEOUT' },
    'unknown host': { code: 'ENOTFOUND' },
    deadlock: { code: 'ER_LOCK_DEADLOCK', errno: 1213 },
    'lock wait timeout': { code: 'ER_LOCK_WAIT_TIMEOUT', errno: 1205 },
    'read-only server': { code: 'ER_OPTION_PREVENTS_STATEMENT', errno: 1290 },
    'too many connections': { code: 'ER_CON_COUNT_ERROR', errno: 1040 },
    'full disk': { code: 'ER_DISK_FULL', errno: 1021 },
    'refused login': { code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 },
  };
  for (const [name, fields] of Object.entries(passing)) {
    it(`may pass: ${name}`, () => {
      const error = failure(fields);
      assert.equal(isTransientDatabaseError(error), true);
      const fault = toDatabaseError(error);
      assert.ok(fault instanceof Fault);
      assert.deepEqual([fault.kind, fault.reason, fault.cause], ['unavailable', 'DATABASE_UNAVAILABLE', error]);
      assert.equal(fault.message.includes('it failed'), false);
    });
  }

  it('may pass, and tells operators what makes it pass: missing table', () => {
    const error = failure({ code: 'ER_NO_SUCH_TABLE', errno: 1146 });
    assert.equal(isTransientDatabaseError(error), true);
    const { kind, reason, message, cause } = toDatabaseError(error) as Fault;
    assert.deepEqual([kind, reason], ['unavailable', 'DATABASE_UNAVAILABLE']);
    assert.ok(cause instanceof Error && cause.cause === error);
    assert.match(cause.message, /^it failed: npm run admin -- <context> projection migrate /);
    assert.equal(message.includes('migrate'), false);
  });

  for (const [name, fields] of Object.entries({
    'duplicate key': { code: 'ER_DUP_ENTRY', errno: 1062 },
    'too long a text': { code: 'ER_DATA_TOO_LONG', errno: 1406 },
    'wrong syntax': { code: 'ER_PARSE_ERROR', errno: 1064 },
    'no error of the database': {},
  })) {
    it(`does not pass: ${name}`, () => {
      const error = failure(fields);
      assert.equal(isTransientDatabaseError(error), false);
      assert.equal(toDatabaseError(error), error);
    });
  }

  it('keeps a connection after a deadlock, not after its loss', () => {
    assert.equal(isConnectionLost(failure({ errno: 1213 })), false);
    assert.equal(isConnectionLost(failure({ code: 'ECONNRESET' })), true);
    assert.equal(isConnectionLost(new Error("Can't add new command when connection is in closed state")), true);
  });
});
