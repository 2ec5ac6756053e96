import assert from 'node:assert/strict';
import { TerminalProgress } from './terminal-progress.js';

describe('TerminalProgress', () => {
  let now = 0;
  let written: string[] = [];
  const progressOn = (isTTY: boolean): TerminalProgress => {
    now = 0;
    written = [];
    const write = (text: string): boolean => written.push(text) > 0;
    return new TerminalProgress({ isTTY, write: write as never }, () => now);
  };

  it('draws a bar with the time left on a terminal, over itself', () => {
    const progress = progressOn(true);
    progress.begin('copying', 100, 'commits');
    now = 1_000;
    progress.advance(20);
    now = 1_010;
    progress.advance(1);
    now = 5_000;
    progress.advance(79);
    progress.end();
    assert.deepEqual(written, [
      `\r\u001B[Kcopying: ${'░'.repeat(30)} 0 %, 0 of 100 commits`,
      `\r\u001B[Kcopying: ${'█'.repeat(6)}${'░'.repeat(24)} 20 %, 20 of 100 commits, 4 s left`,
      `\r\u001B[Kcopying: ${'█'.repeat(30)} 100 %, 100 of 100 commits in 5.0 s`,
      `\r\u001B[Kcopying: ${'█'.repeat(30)} 100 %, 100 of 100 commits in 5.0 s`,
      '\n',
    ]);
  });

  it('writes plain lines elsewhere, now and then', () => {
    const progress = progressOn(false);
    progress.begin('copying', 1_000, 'commits');
    now = 100;
    progress.advance(10);
    now = 6_000;
    progress.advance(10);
    now = 7_000;
    progress.advance(980);
    progress.end();
    assert.deepEqual(written, [
      'copying: 2 %, 20 of 1000 commits, 5 min left\n',
      'copying: 100 %, 1000 of 1000 commits in 7.0 s\n',
    ]);
  });
});
