import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptLines, LogTails } from './log-files.js';

describe('the files of logs', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'threadweaver-logs-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const line = (text: string): string => `${JSON.stringify({ time: '2026-01-01T00:00:00.000Z', msg: text })}\n`;
  const messages = (entries: readonly { fields: unknown }[]): unknown[] =>
    entries.map(({ fields }) => (fields as { msg: string }).msg);

  it('reads what was moved away before the present file', async () => {
    await writeFile(join(folder, 'nats-1.log.2'), line('one'));
    await writeFile(join(folder, 'nats-1.log.1'), line('two'));
    await writeFile(join(folder, 'nats-1.log'), line('three') + line('unwanted'));
    await writeFile(join(folder, 'notes.txt'), line('of somebody else'));
    const found = [];
    for await (const entry of keptLines(folder, (text) => !text.includes('unwanted'))) found.push(entry);
    assert.deepEqual(messages(found), ['one', 'two', 'three']);
    assert.ok(found.every(({ process }) => process === 'nats-1'));
  });

  it('follows over a rotation, half a line and a process that is new', async () => {
    const path = join(folder, 'service.log');
    await writeFile(path, line('before'));
    const tails = new LogTails(folder);
    try {
      assert.deepEqual(tails.read(), []);
      await appendFile(path, line('one') + line('two').slice(0, 10));
      assert.deepEqual(messages(tails.read()), ['one']);
      await appendFile(path, line('two').slice(10) + line('three'));
      await rename(path, `${path}.1`);
      await writeFile(path, line('four'));
      await writeFile(join(folder, 'another.log'), line('five'));
      assert.deepEqual(messages(tails.read()).toSorted(), ['five', 'four', 'three', 'two']);
      await appendFile(path, line('six'));
      assert.deepEqual(messages(tails.read()), ['six']);
    } finally {
      tails.close();
    }
  });
});
