import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnServer } from '../servers/spawn-server.js';
import { ChildLog } from './child-log.js';

describe('log of a child', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-log-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const logged = async (name: string, showAll: boolean) => {
    const shown: string[] = [];
    const log = new ChildLog(name, { folder, showAll, show: (_name, line) => shown.push(line) });
    const script =
      'echo plain; echo "{\\"level\\":\\"warn\\",\\"msg\\":\\"slow\\"}" >&2; echo "[Warning] old option"; echo "[1] [WRN] Plaintext passwords detected, use nkeys or bcrypt"';
    const child = spawnServer({ command: '/bin/sh', args: ['-c', script] }, 'pipe');
    log.follow(child);
    await new Promise((resolve) => child.once('close', resolve));
    log.close();
    return { shown: shown.sort(), tail: log.tail().length };
  };

  it('keeps everything in the file and shows warnings', async () => {
    assert.deepEqual(await logged('service', false), { shown: ['[Warning] old option', 'warn: slow'], tail: 4 });
    assert.match(await readFile(join(folder, 'service.log'), 'utf8'), /plain\n/);
  });

  it("leaves MariaDB's warnings in the file", async () => {
    assert.deepEqual((await logged('mysql', false)).shown, []);
  });

  it('shows everything on demand', async () => {
    assert.deepEqual((await logged('service', true)).shown.length, 4);
  });

  it('begins another file when the present one is full, keeps three, and loses no line to `tail -F`', async () => {
    await writeFile(join(folder, 'service.log'), 'of an earlier run\n'.repeat(10));
    const log = new ChildLog('service', { folder, show: () => undefined, maxFileBytes: 1_000, maxFiles: 3 });
    const tail = spawnServer({ command: 'tail', args: ['-n', '+1', '-F', log.path] }, 'pipe');
    const followed: string[] = [];
    const lines = createInterface({ input: tail.stdout! });
    let awaited = '';
    let seen: (() => void) | undefined;
    lines.on('line', (line) => {
      followed.push(line);
      if (line === awaited) seen?.();
    });
    const written: string[] = [];
    try {
      for (let round = 0; round < 8; round += 1) {
        const some = Array.from({ length: 10 }, (_, index) => `round ${round}, line ${index} ${'x'.repeat(40)}`);
        written.push(...some);
        awaited = some.at(-1) ?? '';
        const arrived = new Promise<void>((resolve) => (seen = resolve));
        const child = spawnServer({ command: '/bin/echo', args: [some.join('\n')] }, 'pipe');
        log.follow(child);
        await arrived;
      }
    } finally {
      tail.kill();
      log.close();
    }
    assert.deepEqual(
      followed.filter((line) => line.startsWith('round')),
      written,
    );
    const files = (await readdir(folder)).sort();
    assert.deepEqual(files, ['service.log', 'service.log.1', 'service.log.2']);
    for (const file of files) assert.ok((await stat(join(folder, file))).size <= 1_000, file);
    const kept = (await Promise.all(files.reverse().map((file) => readFile(join(folder, file), 'utf8')))).join('');
    assert.equal(
      kept.trimEnd(),
      written.slice(-kept.trimEnd().split('\n').length).join('\n'),
      'the last ones, in order',
    );
  });

  it('goes on when a file cannot be written, and says so once', async () => {
    const shown: string[] = [];
    const log = new ChildLog('service', { folder, show: (_name, line) => shown.push(line) });
    log.close();
    await rm(log.path);
    await mkdir(log.path);
    const blocked = new ChildLog('service', { folder, show: (_name, line) => shown.push(line) });
    for (let round = 0; round < 2; round += 1) {
      const child = spawnServer({ command: '/bin/echo', args: ['a line'] }, 'pipe');
      blocked.follow(child);
      await new Promise((resolve) => child.once('close', resolve));
    }
    blocked.close();
    assert.match(shown.join('\n'), /^its log cannot be written: EISDIR[^\n]*$/);
    assert.deepEqual(blocked.tail(), ['a line']);
  });
});
