import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ProjectionHealth } from './projection-health.js';
import type { ProjectionObserver } from './projection-observer.js';

describe('ProjectionHealth', () => {
  it('is ill after long trouble only, and well again with a success, or when another has the work', async () => {
    const told: boolean[] = [];
    const observer: ProjectionObserver = (event) => {
      if (event.kind === 'health-changed') told.push(event.isHealthy);
    };
    const health = new ProjectionHealth({ observer, unhealthyAfterMs: 20, maxRetryMs: 1 });
    health.troubled(new Error('away'));
    health.succeeded();
    await delay(40);
    assert.deepEqual(told, [true]);
    for (const recover of ['succeeded', 'overtaken'] as const) {
      health.troubled(new Error('away'));
      await delay(40);
      health[recover]();
    }
    assert.deepEqual(told, [true, false, true, false, true]);
    health.stop();
  });
});
