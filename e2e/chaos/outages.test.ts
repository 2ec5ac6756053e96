import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Operation } from './history.js';
import { checkSilences, longestSilences, outagesOf } from './outages.js';

const answered = { kind: 'acknowledged' } as const;
const unknown = { kind: 'unknown', reason: '' } as const;

function operation(from: number, until: number, outcome: Operation['outcome'] = answered, threadId = 'A'): Operation {
  return { threadId, invokedAt: from * 1_000, completedAt: until * 1_000, outcome } as Operation;
}
const span = (from: number, until: number) => ({ from: from * 1_000, until: until * 1_000 });
const countedOf = (operations: Operation[], outages = [] as ReturnType<typeof span>[]): number[] =>
  longestSilences(operations, outages).map(({ countedMs }) => countedMs / 1_000);

describe('the silence of threads', () => {
  it('is the longest wait for an answer, cut where somebody else got one of that thread', () => {
    assert.deepEqual(countedOf([operation(0, 20)]), [20]);
    assert.deepEqual(countedOf([operation(0, 20), operation(1, 12)]), [12]);
    assert.deepEqual(countedOf([operation(0, 20), operation(1, 12, unknown)]), [20]);
    assert.deepEqual(countedOf([operation(0, 20), operation(1, 12, answered, 'B')]), [20, 11]);
  });

  it('counts from the end of the last outage within it', () => {
    assert.deepEqual(countedOf([operation(0, 20)], [span(1, 3), span(5, 8)]), [12]);
    assert.deepEqual(countedOf([operation(10, 20)], [span(1, 3)]), [10]);
    assert.deepEqual(countedOf([operation(10, 20)], [span(15, 25)]), [0]);
  });

  it('breaks a promise when it is too long', () => {
    assert.deepEqual(checkSilences([operation(0, 14)], []), []);
    assert.deepEqual(
      checkSilences([operation(0, 16)], []).map(({ kind, threadId }) => [kind, threadId]),
      [['UNANSWERED', 'A']],
    );
  });
});

describe('outages', () => {
  const of = (victim: Parameters<typeof outagesOf>[0][number]['victim'], from: number, until: number) => {
    return { victim, ...span(from, until) };
  };

  it('are those of the one nats-server, or of two of three at once', () => {
    assert.deepEqual(outagesOf([of('nats', 1, 3), of('nats', 2, 5)], 1), [span(1, 5)]);
    assert.deepEqual(outagesOf([of('nats-1', 1, 3), of('nats-2', 4, 5)], 3), []);
    assert.deepEqual(outagesOf([of('nats-1', 1, 5), of('nats-1', 2, 4), of('nats-2', 4, 7)], 3), [span(4, 5)]);
  });

  it('are those of all three owners at once, and no others', () => {
    const two = [of('thread-command', 1, 5), of('thread-command-2', 2, 6), of('thread-projector', 0, 9)];
    assert.deepEqual(outagesOf(two, 1), []);
    assert.deepEqual(outagesOf([...two, of('thread-command-3', 4, 8)], 1), [span(4, 5)]);
  });
});

describe('a clock that jumps', () => {
  it('is wrong for all who ask the time, and for nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'threadweaver-clock-'));
    try {
      const file = join(folder, 'clock');
      writeFileSync(file, '-600000');
      const program = `await new Promise((resolve) => setTimeout(resolve, 500));
        const right = performance.timeOrigin + performance.now();
        const wrong = [Date.now(), +new Date(), new Date(0).getTime() - 600_000 + right];
        console.log(wrong.map((time) => Math.round((time - right) / 60_000)).join(), new Date() instanceof Date);`;
      const args = ['--import=tsx', `--import=${join(import.meta.dirname, 'clock-shift.ts')}`, '--input-type=module'];
      const { stdout } = spawnSync(process.execPath, [...args, '--eval', program], {
        encoding: 'utf8',
        env: { ...process.env, CLOCK_SHIFT_FILE: file },
      });
      assert.equal(stdout.trim(), '-10,-10,-10 true');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
