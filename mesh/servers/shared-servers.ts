import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import { type RunningServer, startMySqlServer, startNatsServer } from './start-server.js';

let nats: Promise<RunningServer> | undefined;
let mySql: Promise<RunningServer> | undefined;

/**
 * The NATS that all tests of this process share: NATS_URL, or one that is started at the first call. Tests keep apart
 * by names of their own for streams, buckets and subjects.
 */
export async function sharedNatsUrl(): Promise<string> {
  const external = process.env.NATS_URL;
  if (external) return external;
  nats ??= startNatsServer();
  return (await nats).url;
}

/**
 * A new, empty database on the MySQL that all tests of this process share: the one of MYSQL_URL, or one that is
 * started at the first call.
 * @returns its URL
 */
export async function freshDatabaseUrl(): Promise<string> {
  const url = new URL(await sharedMySqlUrl());
  const connection = await createConnection(url.href);
  try {
    const database = `test_${randomBytes(6).toString('hex')}`;
    await connection.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    url.pathname = `/${database}`;
    return url.href;
  } finally {
    await connection.end();
  }
}

async function sharedMySqlUrl(): Promise<string> {
  const external = process.env.MYSQL_URL;
  if (external) return external;
  mySql ??= startMySqlServer();
  return (await mySql).url;
}

/** Stops what the functions above started; the mocha root hook calls it after the last test. */
export async function stopSharedServers(): Promise<void> {
  const started = [nats, mySql].filter((server) => server !== undefined);
  nats = undefined;
  mySql = undefined;
  for (const result of await Promise.allSettled(started)) {
    if (result.status === 'fulfilled') await result.value.stop();
  }
}
