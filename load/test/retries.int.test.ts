import assert from 'node:assert/strict';
import { readCommandLine } from '../command-line.js';
import { protocols } from '../engine/load-options.js';
import { Recorder } from '../engine/recorder.js';
import { ResultCollector } from '../engine/result-collector.js';
import { SeededRandom } from '../engine/seeded-random.js';
import { newId, RequestFailed, User } from '../engine/user.js';
import { connect } from '../transports/connect.js';
import { type Reply, startScriptedEdge } from './scripted-edge.js';

describe('What a virtual user repeats', () => {
  for (const protocol of protocols) {
    const refused =
      protocol === 'rest'
        ? { exhausted: 'HTTP 429', unavailable: 'HTTP 503', broken: 'HTTP 500' }
        : { exhausted: 'RESOURCE_EXHAUSTED', unavailable: 'UNAVAILABLE', broken: 'INTERNAL' };

    /** One creation. @param script the last reply stays */
    async function create(script: readonly Reply[], isRetrying: boolean, timeoutMs = 5_000) {
      const edge = await startScriptedEdge(protocol, (attempt) => script[attempt] ?? script.at(-1) ?? 'ok');
      const api = connect(protocol, edge.url, 1);
      try {
        const recorder = new Recorder();
        const { load } = readCommandLine([`--timeout=${timeoutMs}ms`]) ?? assert.fail('help');
        const options = { ...load, isRetrying };
        const world = { api, options, recorder, stop: new AbortController().signal };
        const accountId = newId();
        const request = { accountId, title: 'retries', memberIds: [] };
        const sent = new User(world, new SeededRandom(1)).request('create', (call) => api.createThread(call, request));
        await sent.catch((error: unknown) => assert.ok(error instanceof RequestFailed));
        const collector = new ResultCollector(1_000, 1_000, 1);
        collector.add(0, { atMs: 1_000, users: 1, stats: recorder.take() });
        const { count, ok, errors, retries, latency } = collector.total(1_000);
        assert.equal(count, 1, 'its repeats are one request');
        assert.equal(new Set(edge.requestIds).size, 1, 'a repeat under another id is another request');
        return { attempts: edge.requestIds.length, ok, errors, retries, ms: latency.max };
      } finally {
        await api.close();
        edge.close();
      }
    }

    it(`${protocol}: with --retry what was refused or cut off, under the same id, as one request`, async () => {
      const { ms, ...counted } = await create(['exhausted', 'unavailable', 'cut', 'ok'], true);
      assert.deepEqual(counted, { attempts: 4, ok: 1, errors: {}, retries: 3 });
      assert.ok(ms >= 300, `${ms} ms: the waiting (50, 100 and 200 ms) is part of what it took`);
    });

    it(`${protocol}: not without --retry, and never a time-out or an inner error`, async () => {
      const found = await Promise.all([
        create(['exhausted'], false),
        create(['unavailable'], false),
        create(['broken'], true),
        create(['silent'], true, 500),
      ]);
      const kinds = [refused.exhausted, refused.unavailable, refused.broken, 'timeout'];
      assert.deepEqual(
        found.map(({ attempts, errors, retries }) => ({ attempts, errors, retries })),
        kinds.map((kind) => ({ attempts: 1, errors: { [kind]: 1 }, retries: 0 })),
      );
    });

    it(`${protocol}: until the deadline, and counts what it was told last`, async () => {
      // The fifth attempt would begin after 750 ms.
      const { attempts, errors, retries } = await create(['unavailable', 'exhausted'], true, 700);
      assert.deepEqual(errors, { [refused.exhausted]: 1 });
      assert.ok(attempts >= 2 && attempts <= 4, `${attempts} attempts`);
      assert.equal(retries, attempts - 1);
    });
  }
});
