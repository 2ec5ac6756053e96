import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../process/project-root.js';

const LOGGER = join(projectRoot, 'platform', 'telemetry', 'logger.ts');

/** What a process writes whose stdout is a file. */
function outputOf(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'threadweaver-logger-'));
  try {
    const path = join(folder, 'log');
    const output = openSync(path, 'w');
    const args = ['--import=tsx', '--input-type=module', '--eval', script];
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: projectRoot,
      stdio: ['ignore', output, 'pipe'],
    });
    closeSync(output);
    assert.equal(status, 0, String(stderr));
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('createLogger', function () {
  this.timeout(60_000);

  it('writes the lines of each turn at its end, in order, and never waits for the disk', () => {
    const output = outputOf(`
      import fs from 'node:fs';
      const { createLogger } = await import(${JSON.stringify(LOGGER)});
      let waits = 0;
      fs.fsyncSync = () => (waits += 1);
      const logger = createLogger('test', 'info');
      for (let turn = 0; turn < 3; turn += 1) {
        for (let line = 0; line < 100; line += 1) logger.info({ turn, line, padding: 'x'.repeat(300) }, 'line');
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      fs.writeSync(1, JSON.stringify({ waits, written: fs.fstatSync(1).size > 90_000 }) + '\\n');
    `);
    const lines = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(lines.pop(), { waits: 0, written: true });
    assert.deepEqual(
      lines.map(({ turn, line }) => [turn, line]),
      Array.from({ length: 300 }, (_, index) => [Math.floor(index / 100), index % 100]),
    );
  });

  it('writes what is left when the process ends', () => {
    const output = outputOf(`
      const { createLogger } = await import(${JSON.stringify(LOGGER)});
      createLogger('test', 'info').info('last words');
      process.exit();
    `);
    assert.match(output, /"msg":"last words"/);
  });
});
