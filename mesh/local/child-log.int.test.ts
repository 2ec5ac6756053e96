import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnServer } from '../../services/shared/testing/servers/spawn-server.js';
import { ChildLog } from './child-log.js';

describe('log of a child', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-log-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const logged = async (name: string, showAll: boolean) => {
    const shown: string[] = [];
    const log = new ChildLog(name, { folder, showAll, rotateAtBytes: 20, show: (_name, line) => shown.push(line) });
    const script = 'echo plain; echo "{\\"level\\":\\"warn\\",\\"msg\\":\\"slow\\"}" >&2; echo "[Warning] old option"';
    const child = spawnServer({ command: '/bin/sh', args: ['-c', script] }, 'pipe');
    log.follow(child);
    await new Promise((resolve) => child.once('close', resolve));
    await log.close();
    return { shown: shown.sort(), tail: log.tail().length };
  };

  it('keeps everything in the file and shows warnings', async () => {
    assert.deepEqual(await logged('service', false), { shown: ['[Warning] old option', 'warn: slow'], tail: 3 });
    assert.match(await readFile(join(folder, 'service.log'), 'utf8'), /plain\n/);
  });

  it("leaves MariaDB's warnings in the file", async () => {
    assert.deepEqual((await logged('mysql', false)).shown, []);
  });

  it('shows everything on demand', async () => {
    assert.deepEqual((await logged('service', true)).shown, ['[Warning] old option', 'plain', 'warn: slow']);
  });

  it('rotates a big log away at the start, and keeps three', async () => {
    await writeFile(join(folder, 'service.log'), 'x'.repeat(100));
    for (let round = 0; round < 5; round += 1) await logged('service', false);
    assert.deepEqual((await readdir(folder)).sort(), [
      'service.log',
      'service.log.1',
      'service.log.2',
      'service.log.3',
    ]);
  });
});
