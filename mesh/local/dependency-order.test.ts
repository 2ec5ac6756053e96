import assert from 'node:assert/strict';
import { inDependencyOrder, reversed } from './dependency-order.js';

describe('dependency order', () => {
  const items = [
    { name: 'edge', dependsOn: ['left', 'right'] },
    { name: 'left', dependsOn: ['store'] },
    { name: 'right', dependsOn: ['store'] },
    { name: 'store', dependsOn: [] },
  ];

  it('begins an item when all before it are done, and independent ones together', async () => {
    const events: string[] = [];
    await inDependencyOrder(items, async ({ name }) => {
      events.push(`+${name}`);
      await Promise.resolve();
      events.push(`-${name}`);
    });
    assert.deepEqual(events, ['+store', '-store', '+left', '+right', '-left', '-right', '+edge', '-edge']);
  });

  it('runs backwards for stopping', async () => {
    const stopped: string[] = [];
    await inDependencyOrder(reversed(items), async ({ name }) => void stopped.push(name));
    assert.deepEqual(stopped, ['edge', 'left', 'right', 'store']);
  });

  it('begins nothing more after a failure, and throws it', async () => {
    const begun: string[] = [];
    const run = inDependencyOrder(items, async ({ name }) => {
      begun.push(name);
      if (name === 'left') throw new Error('left is broken');
    });
    await assert.rejects(run, /left is broken/);
    assert.deepEqual(begun, ['store', 'left', 'right']);
  });

  it('refuses a dependency that does not exist', async () => {
    await assert.rejects(
      inDependencyOrder([{ name: 'a', dependsOn: ['b'] }], async () => undefined),
      /a depends on b, which does not exist/,
    );
  });
});
