import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { withLocalInstallation } from '../../platform/process/local-installation.js';
import { projectRoot } from '../../platform/process/project-root.js';
import { freePort } from '../servers/free-ports.js';
import { mySqlServer } from '../servers/mysql-server.js';
import { startServer } from '../servers/start-server.js';
import { adminSocketOf } from './envoy-component.js';
import { meshSecrets } from './secrets.js';
import { type RunningMesh, startMesh } from './start-mesh.js';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** A MySQL as versions before passwords left it: everybody may do everything, and all files are root's. */
async function makeOlderData(dataDir: string): Promise<void> {
  const folder = join(dataDir, 'mysql');
  chmodSync(dataDir, 0o755);
  const server = await startServer(mySqlServer({ port: await freePort(), dataDir: folder, bufferPoolMib: 64 }));
  const connection = await createConnection(server.url);
  for (const host of ['127.0.0.1', 'localhost']) {
    await connection.query(`CREATE OR REPLACE USER threadweaver@'${host}'`);
    await connection.query(`GRANT ALL ON *.* TO threadweaver@'${host}' WITH GRANT OPTION`);
  }
  await connection.query(`CREATE OR REPLACE USER root@'127.0.0.1'`);
  await connection.query(`GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION`);
  await connection.query(`ALTER USER root@localhost IDENTIFIED BY ''`);
  await connection.query('CREATE TABLE older_rows (id INT)');
  await connection.end();
  await server.stop();
  rmSync(join(folder, 'init.sql'));
  if (isRoot)
    for (const path of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
      chownSync(join(folder, path), 0, 0);
    }
  mkdirSync(join(dataDir, 'logs'));
  chmodSync(folder, 0o755);
}

describe('other users of the machine', function () {
  this.timeout(120_000);
  let dataDir: string;
  let mesh: RunningMesh;
  const lines: string[] = [];

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-others-'));
    await makeOlderData(dataDir);
    mesh = await startMesh({ dataDir, report: (name, line) => lines.push(`${name}: ${line}`) });
  });

  after(async () => {
    await mesh?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const urlOf = (user: string, password = ''): string =>
    `mysql://${user}:${password}@127.0.0.1:${mesh.ports.mySql}/threadweaver`;
  /** What a service was told. */
  const environmentOf = (name: 'thread-query' | 'thread-projector'): Record<string, string> =>
    Object.fromEntries(
      readFileSync(`/proc/${mesh.process(name).pid}/environ`, 'utf8')
        .split('\0')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );

  it('find no account of MySQL without a password, also in what an older version has left', async () => {
    for (const user of ['root', 'threadweaver', 'threadweaver_query', 'mysql', '']) {
      await assert.rejects(createConnection(urlOf(user)), /Access denied/, user);
    }
    const connection = await createConnection(mesh.process('mysql').url);
    const [rows] = await connection.query<RowDataPacket[]>("SHOW TABLES LIKE 'older_rows'");
    await connection.query('DROP TABLE IF EXISTS older_rows');
    await connection.end();
    assert.equal(rows.length, 1, 'its tables are still there');
    assert.equal(lines.filter((line) => /want passwords/.test(line)).length, 1);
  });

  for (const service of ['thread-projector', 'thread-query'] as const) {
    it(`could not do more with the password of ${service} than it does`, async () => {
      const connection = await createConnection(environmentOf(service).MYSQL_URL ?? '');
      const refused = async (sql: string) => assert.rejects(connection.query(sql), /denied|Unknown database/, sql);
      const file = join(tmpdir(), 'threadweaver-outfile');
      await refused(`SELECT 1 INTO OUTFILE '${file}'`);
      assert.equal(existsSync(file), false);
      await refused(`CREATE USER me@'%'`);
      await refused('GRANT SELECT ON threadweaver.* TO root@localhost');
      await refused('SET GLOBAL read_only = 1');
      await refused('CREATE DATABASE other');
      await refused('SELECT * FROM mysql.global_priv');
      if (service === 'thread-query') await refused('DELETE FROM threads');
      await connection.end();
    });
  }

  it('could not write a file with the password of root either', async () => {
    const { mySqlRoot: password } = meshSecrets(dataDir);
    const socketPath = join(dataDir, 'mysql', 'files', 'mysql.sock');
    const connection = await createConnection({ user: 'root', password, socketPath });
    await assert.rejects(connection.query("SELECT 1 INTO OUTFILE '/tmp/threadweaver-outfile'"), /secure-file-priv/);
    await connection.end();
  });

  it('may write to NATS only with the password, which processes do not show in their arguments', async () => {
    const servers = `127.0.0.1:${mesh.ports.nats}`;
    await assert.rejects(connect({ servers, reconnect: false }), /authorization/i);
    const { NATS_USER: user, NATS_PASSWORD: pass = '' } = environmentOf('thread-query');
    await (await connect({ servers, user, pass, reconnect: false })).close();
    const shown = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    const { password } = new URL(environmentOf('thread-projector').MYSQL_URL ?? '');
    assert.ok(pass.length > 20 && password.length > 20);
    const logs = readdirSync(join(dataDir, 'logs')).map((name) => readFileSync(join(dataDir, 'logs', name), 'utf8'));
    for (const secret of [pass, password]) {
      assert.ok(![shown, ...logs, ...lines].some((text) => text.includes(secret)), 'a password is shown');
    }
  });

  it('neither read the data folder nor reach the socket of Envoy’s admin page', async function () {
    if (!isRoot) return this.skip();
    assert.equal(lstatSync(dataDir).mode & 0o007, 0);
    const paths = readdirSync(dataDir).map((name) => join(dataDir, name));
    const script = `
      const { connect } = require('node:net'), { readdirSync, readFileSync } = require('node:fs');
      for (const path of ${JSON.stringify([dataDir, ...paths])}) {
        for (const read of [readdirSync, readFileSync]) try { read(path); console.log('read', path); } catch {}
      }
      const socket = connect(${JSON.stringify(adminSocketOf(dataDir))});
      socket.on('connect', () => { console.log('reached the admin page'); socket.destroy(); });
      socket.on('error', () => console.log('done'));`;
    const options = { uid: NOBODY, gid: NOBODY, cwd: '/', env: {} };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], options);
    assert.equal(stdout, 'done\n');
  });

  it('are kept from the files by the database, whose process is not root’s', function () {
    const status = readFileSync(`/proc/${mesh.process('mysql').pid}/status`, 'utf8');
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
    assert.notEqual(uid, 0);
    assert.ok(lstatSync(join(dataDir, 'mysql')).isDirectory(), 'its files are where they were');
    if (isRoot) assert.equal(lstatSync(join(dataDir, 'mysql', 'files', 'ibdata1')).uid, uid);
  });

  it('do not keep our own commands from their work: they find the passwords', async () => {
    const env = { ...process.env, DATA_DIR: dataDir, NATS_URL: '', MYSQL_URL: '' };
    for (const args of [
      ['journal', 'verify'],
      ['projection', 'status'],
      ['projection', 'rebuild'],
    ]) {
      await promisify(execFile)(process.execPath, ['dist/services/admin.js', 'thread', ...args], {
        env,
        cwd: projectRoot,
      });
    }
    assert.match(withLocalInstallation({ DATA_DIR: dataDir }).MYSQL_URL ?? '', /^mysql:\/\/threadweaver:/);
  });
});
