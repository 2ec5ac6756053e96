import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_SETTINGS_FILE, withLocalInstallation } from './local-installation.js';

describe('settings of a mesh on this machine', () => {
  let DATA_DIR: string;

  before(() => {
    DATA_DIR = mkdtempSync(join(tmpdir(), 'threadweaver-local-'));
    const lines = ['NATS_URL=nats://127.0.0.1:4222', 'NATS_USER=u', 'NATS_PASSWORD=p=1', 'MYSQL_URL=mysql://u:p@h/d'];
    writeFileSync(join(DATA_DIR, LOCAL_SETTINGS_FILE), `${lines.join('\n')}\n`);
  });
  after(() => rmSync(DATA_DIR, { recursive: true }));

  it('are those of the servers that the environment does not name', () => {
    const found = { NATS_URL: 'nats://127.0.0.1:4222', NATS_USER: 'u', NATS_PASSWORD: 'p=1' };
    const MYSQL_URL = 'mysql://u:p@h/d';
    assert.deepEqual(withLocalInstallation({ DATA_DIR }), { DATA_DIR, ...found, MYSQL_URL });
    assert.deepEqual(withLocalInstallation({ DATA_DIR, MYSQL_URL: 'mine' }), { DATA_DIR, ...found, MYSQL_URL: 'mine' });
  });

  it('give no password away to a NATS of somebody else', () => {
    const NATS_URL = 'nats://elsewhere:4222';
    assert.deepEqual(Object.keys(withLocalInstallation({ DATA_DIR, NATS_URL })).sort(), [
      'DATA_DIR',
      'MYSQL_URL',
      'NATS_URL',
    ]);
  });

  it('are none where no mesh has run', () => {
    const nowhere = { DATA_DIR: join(DATA_DIR, 'none') };
    assert.deepEqual(withLocalInstallation(nowhere), nowhere);
  });
});
