import { isDuplicateKey } from '../../../platform/mysql/database-errors.js';
import type { Database, SqlValue, Transaction } from '../../../platform/mysql/database.js';
import type { Account, Profile } from '../domain/account.js';
import type { AccountStore, Bearer, Device, Rotation } from '../runtime/account-store.js';

/** A search says how many it finds up to here. */
const COUNTED = 100_000;

const accountColumns = `id, email, email_key AS emailKey, password_hash AS passwordHash, is_administrator AS isAdministrator,
  created_at AS createdAt, name, surname, birthday, sex, city, interests`;
const deviceColumns = `id, account_id AS accountId, name, signed_in_at AS signedInAt, token_secret AS tokenSecret,
  token_hash AS tokenHash, previous_hash AS previousHash, successor, rotated_at AS rotatedAt, expires_at AS expiresAt`;

interface AccountRow extends Omit<Account, 'email' | 'isAdministrator' | 'profile'> {
  readonly email: string;
  readonly emailKey: string;
  readonly isAdministrator: number;
  readonly name: string;
  readonly surname: string;
  readonly birthday: number | null;
  readonly sex: string;
  readonly city: string;
  readonly interests: string;
}

interface DeviceRow extends Omit<Device, 'previousHash' | 'successor'> {
  readonly previousHash: string | null;
  readonly successor: string | null;
}

/** Accounts in MySQL. What is signed out is noted in the same transaction, for `MySqlRevocations`. */
export class MySqlAccountStore implements AccountStore {
  constructor(private readonly database: Database) {}

  async insert({ id, email, passwordHash, isAdministrator, createdAt, profile }: Account): Promise<boolean> {
    const { name, surname, birthday, sex, city, interests } = profile;
    const values = [
      ...[id, email.shown, email.key, passwordHash, Number(isAdministrator), createdAt],
      ...[name, surname, birthday ?? null, sex, city, interests],
    ];
    try {
      await this.#run(
        `INSERT INTO accounts (id, email, email_key, password_hash, is_administrator, created_at, name, surname, birthday,
          sex, city, interests) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        values,
      );
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  async find(id: string): Promise<Account | undefined> {
    return this.#findBy('id', id);
  }

  async findByEmail(key: string): Promise<Account | undefined> {
    return this.#findBy('email_key', key);
  }

  async findAll(ids: readonly string[]): Promise<Account[]> {
    if (ids.length === 0) return [];
    const rows = await this.database.rows<AccountRow>(`SELECT ${accountColumns} FROM accounts WHERE id IN (?)`, [ids]);
    const found = new Map(rows.map((row) => [row.id, accountOf(row)]));
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  async search(
    prefix: string,
    { after, offset, limit }: { after: string; offset: number; limit: number },
  ): Promise<Account[]> {
    const pattern = patternOf(prefix);
    const rows = await this.database.rows<AccountRow>(
      `SELECT ${accountColumns} FROM accounts JOIN (
        SELECT id FROM accounts WHERE name LIKE ? AND id > ? UNION SELECT id FROM accounts WHERE surname LIKE ? AND id > ?
        ORDER BY id LIMIT ? OFFSET ?
      ) AS found USING (id) ORDER BY id`,
      [pattern, after, pattern, after, limit, offset],
    );
    return rows.map(accountOf);
  }

  async count(prefix: string): Promise<number> {
    const pattern = patternOf(prefix);
    const [row] = await this.database.rows<{ total: number }>(
      `SELECT COUNT(*) AS total FROM (
        SELECT id FROM accounts WHERE name LIKE ? UNION SELECT id FROM accounts WHERE surname LIKE ? LIMIT ${COUNTED}
      ) AS found`,
      [pattern, pattern],
    );
    return row?.total ?? 0;
  }

  async updateProfile(id: string, { name, surname, birthday, sex, city, interests }: Profile): Promise<void> {
    await this.#run(
      'UPDATE accounts SET name = ?, surname = ?, birthday = ?, sex = ?, city = ?, interests = ? WHERE id = ?',
      [...[name, surname, birthday ?? null, sex, city, interests], id],
    );
  }

  async changePassword(id: string, passwordHash: string, keptDevice: string | undefined): Promise<void> {
    await this.database.transaction(async (transaction) => {
      // Waits for whoever signs in by the old one at the moment, and the next wait for this.
      await transaction.run('UPDATE accounts SET password_hash = ? WHERE id = ?', [passwordHash, id]);
      const devices = await transaction.rows<{ id: string }>('SELECT id FROM devices WHERE account_id = ? FOR UPDATE', [
        id,
      ]);
      await signOutDevices(
        transaction,
        id,
        devices.map((device) => device.id).filter((device) => device !== keptDevice),
      );
    });
  }

  async delete(id: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await noteRevocations(transaction, id, [null]);
      // Its devices go with it.
      await transaction.run('DELETE FROM accounts WHERE id = ?', [id]);
    });
  }

  async findBearer(accountId: string, deviceId: string | undefined): Promise<Bearer | undefined> {
    const [row] = await this.database.rows<{ isAdministrator: number; isSignedIn: number }>(
      `SELECT is_administrator AS isAdministrator,
        EXISTS (SELECT 1 FROM devices WHERE id = ? AND account_id = accounts.id) AS isSignedIn
      FROM accounts WHERE id = ?`,
      [deviceId ?? '', accountId],
    );
    if (row === undefined) return undefined;
    return {
      isAdministrator: row.isAdministrator === 1,
      isSignedIn: deviceId === undefined ? undefined : row.isSignedIn === 1,
    };
  }

  async signIn(device: Device, passwordHash: string, most: number): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const [account] = await transaction.rows<{ passwordHash: string }>(
        'SELECT password_hash AS passwordHash FROM accounts WHERE id = ? FOR UPDATE',
        [device.accountId],
      );
      if (account?.passwordHash !== passwordHash) return false;
      const beyond = await transaction.rows<{ id: string }>(
        `SELECT id FROM devices WHERE account_id = ? ORDER BY rotated_at DESC LIMIT 1000 OFFSET ?`,
        [device.accountId, most - 1],
      );
      await signOutDevices(
        transaction,
        device.accountId,
        beyond.map(({ id }) => id),
      );
      await transaction.run(
        `INSERT INTO devices (id, account_id, name, signed_in_at, token_secret, token_hash, rotated_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          ...[device.id, device.accountId, device.name, device.signedInAt, device.tokenSecret, device.tokenHash],
          ...[device.rotatedAt, device.expiresAt],
        ],
      );
      return true;
    });
  }

  async findDevice(id: string): Promise<Device | undefined> {
    const [row] = await this.database.rows<DeviceRow>(`SELECT ${deviceColumns} FROM devices WHERE id = ?`, [id]);
    return row && deviceOf(row);
  }

  async listDevices(accountId: string): Promise<Device[]> {
    const rows = await this.database.rows<DeviceRow>(
      `SELECT ${deviceColumns} FROM devices WHERE account_id = ? ORDER BY rotated_at DESC, id`,
      [accountId],
    );
    return rows.map(deviceOf);
  }

  async rotate(device: Device, { tokenHash, successor, rotatedAt, expiresAt }: Rotation): Promise<boolean> {
    const changed = await this.#run(
      `UPDATE devices SET previous_hash = token_hash, token_hash = ?, successor = ?, rotated_at = ?, expires_at = ?
      WHERE id = ? AND token_hash = ?`,
      [tokenHash, successor, rotatedAt, expiresAt, device.id, device.tokenHash],
    );
    return changed === 1;
  }

  async signOut(accountId: string, deviceId: string | undefined): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (deviceId !== undefined) return signOutDevices(transaction, accountId, [deviceId]);
      await noteRevocations(transaction, accountId, [null]);
      await transaction.run('DELETE FROM devices WHERE account_id = ?', [accountId]);
    });
  }

  async #findBy(column: 'id' | 'email_key', value: string): Promise<Account | undefined> {
    const [row] = await this.database.rows<AccountRow>(`SELECT ${accountColumns} FROM accounts WHERE ${column} = ?`, [
      value,
    ]);
    return row && accountOf(row);
  }

  #run(sql: string, values: readonly SqlValue[]): Promise<number> {
    return this.database.transaction((transaction) => transaction.run(sql, values));
  }
}

/** Those of the account; nothing is said of what is not its own. */
async function signOutDevices(transaction: Transaction, accountId: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const deleted = await transaction.run('DELETE FROM devices WHERE id = ? AND account_id = ?', [id, accountId]);
    if (deleted > 0) await noteRevocations(transaction, accountId, [id]);
  }
}

async function noteRevocations(
  transaction: Transaction,
  accountId: string,
  deviceIds: readonly (string | null)[],
): Promise<void> {
  for (const deviceId of deviceIds) {
    const values = [accountId, deviceId, Date.now()];
    await transaction.run('INSERT INTO revocations (account_id, device_id, revoked_at) VALUES (?, ?, ?)', values);
  }
}

/** What begins with a text, whatever LIKE would take its characters for. */
function patternOf(prefix: string): string {
  return `${prefix.replace(/[\\%_]/g, '\\$&')}%`;
}

function accountOf({
  email,
  emailKey,
  isAdministrator,
  name,
  surname,
  birthday,
  sex,
  city,
  interests,
  ...row
}: AccountRow): Account {
  return {
    ...row,
    email: { shown: email, key: emailKey },
    isAdministrator: isAdministrator === 1,
    profile: { name, surname, birthday: birthday ?? undefined, sex, city, interests },
  };
}

function deviceOf({ previousHash, successor, ...row }: DeviceRow): Device {
  return { ...row, previousHash: previousHash ?? undefined, successor: successor ?? undefined };
}
