import type { Knex } from 'knex';

const ulid = 'CHAR(26) CHARACTER SET ascii COLLATE ascii_bin';
/** SHA-256, or 256 random bits, in base64url. */
const digest = 'CHAR(43) CHARACTER SET ascii COLLATE ascii_bin';
const defaults = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT = DYNAMIC';
/** Compared without regard to case and accents; MySQL and MariaDB both have it. */
const name = 'VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci';

/** Accounts and where they are signed in. Times are epoch milliseconds. Each statement may be repeated. */
const statements = [
  `CREATE TABLE IF NOT EXISTS accounts (
    id ${ulid} NOT NULL PRIMARY KEY,
    email VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    email_key VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    is_administrator BOOLEAN NOT NULL,
    name ${name} NOT NULL,
    surname ${name} NOT NULL,
    birthday BIGINT NULL,
    sex VARCHAR(50) NOT NULL,
    city VARCHAR(100) NOT NULL,
    interests VARCHAR(1000) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY one_account_an_address (email_key),
    KEY by_name (name, id),
    KEY by_surname (surname, id)
  ) ${defaults}`,
  // A row a device. What it is signed out of goes with the row.
  `CREATE TABLE IF NOT EXISTS devices (
    id ${ulid} NOT NULL PRIMARY KEY,
    account_id ${ulid} NOT NULL,
    name VARCHAR(100) NOT NULL,
    signed_in_at BIGINT NOT NULL,
    token_secret ${digest} NOT NULL,
    token_hash ${digest} NOT NULL,
    previous_hash ${digest} NULL,
    successor VARCHAR(8000) CHARACTER SET ascii COLLATE ascii_bin NULL,
    rotated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    KEY devices_of_account (account_id, rotated_at),
    KEY by_expiry (expires_at),
    FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
  ) ${defaults}`,
  // For those who keep connections open; written with what it tells of, in one transaction.
  `CREATE TABLE IF NOT EXISTS revocations (
    sequence BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    account_id ${ulid} NOT NULL,
    device_id ${ulid} NULL,
    revoked_at BIGINT NOT NULL,
    KEY by_time (revoked_at)
  ) ${defaults}`,
  // By a digest of an account's address and a client's: neither can be read here.
  `CREATE TABLE IF NOT EXISTS failed_attempts (
    id ${digest} NOT NULL PRIMARY KEY,
    failures INT NOT NULL,
    forgotten_at BIGINT NOT NULL,
    KEY by_time (forgotten_at)
  ) ${defaults}`,
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of statements) await knex.raw(statement);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['failed_attempts', 'revocations', 'devices', 'accounts'])
    await knex.schema.dropTableIfExists(table);
}
