import assert from 'node:assert/strict';
import { openFilesWarning } from './open-file-limit.js';

describe('limit on open files', () => {
  const limits = (hard: string) =>
    `Limit           Soft Limit   Hard Limit   Units\nMax open files  1024         ${hard}        files\n`;

  it('warns when the hard limit is below what the journal may need', () => {
    assert.match(openFilesWarning(limits('4096')) ?? '', /may open 4096 files only.* 3596 threads/);
  });

  it('says nothing when it is high enough, unlimited or unknown', () => {
    assert.deepEqual([limits('20000'), limits('unlimited'), ''].map(openFilesWarning), [
      undefined,
      undefined,
      undefined,
    ]);
  });
});
