import assert from 'node:assert/strict';
import { waitingLine } from './waiting-line.js';

describe('what is said while a server starts', () => {
  for (const [reason, lastLine, expected] of [
    [
      'connect ECONNREFUSED 127.0.0.1:3306',
      '2026-11-28  2:07:26 0 [Note] InnoDB: Starting crash recovery from checkpoint LSN=44760',
      'takes no connections yet; last said: InnoDB: Starting crash recovery from checkpoint LSN=44760',
    ],
    [
      'connection refused',
      "[4711] 2026/11/28 02:07:26.104512 [INF]   Starting restore for stream '$G > THREAD-1'",
      "takes no connections yet; last said: Starting restore for stream '$G > THREAD-1'",
    ],
    [
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:50051',
      'info: connecting to NATS {"url":"nats://127.0.0.1:4222"}',
      'takes no connections yet; last said: info: connecting to NATS {"url":"nats://127.0.0.1:4222"}',
    ],
    [
      'connect ENOENT /srv/.data/envoy/admin.sock',
      '[2026-11-28 02:07:26.104][4711][warning][main] [source/server/server.cc:946] there is no limit',
      'takes no connections yet; last said: there is no limit',
    ],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded after 2.0s', undefined, 'does not answer yet'],
    ['127.0.0.1:50053 answers, but is not serving (status 2)', undefined, 'answers, but does not serve yet'],
    ['no leader', undefined, 'no leader'],
  ] as const) {
    it(`names what is waited for, and for how long: ${reason}`, () => {
      assert.equal(waitingLine(reason, 12, lastLine), `waiting for it: 12 s (${expected})`);
    });
  }
});
