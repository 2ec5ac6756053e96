import assert from 'node:assert/strict';
import { AppendChain } from './append-chain.js';

/** An append that the test ends. */
function openAppend() {
  const { promise, resolve, reject } = withResolvers();
  const calls = { append: 0, verify: 0 };
  return {
    calls,
    resolve,
    reject,
    steps: {
      append: () => {
        calls.append += 1;
        return promise;
      },
      verify: () => {
        calls.verify += 1;
        return Promise.resolve();
      },
    },
  };
}

function withResolvers() {
  let resolve = (): void => undefined;
  let reject = (_error: Error): void => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('AppendChain', () => {
  it('holds an append back until the one before it is done', async () => {
    const chain = new AppendChain();
    const [first, second] = [openAppend(), openAppend()];
    const running = [
      chain.run('a', { makesVersion: 2, commandId: 'one' }, undefined, first.steps),
      chain.run('a', { makesVersion: 3, commandId: 'two' }, 'one', second.steps),
    ];
    await turn();
    assert.deepEqual([first.calls.append, second.calls.append], [1, 0]);
    first.resolve();
    await turn();
    assert.deepEqual([second.calls.append, second.calls.verify], [1, 0]);
    second.resolve();
    await Promise.all(running);
  });

  it('fails all behind one that fails, and calls none of them', async () => {
    const chain = new AppendChain();
    const appends = [openAppend(), openAppend(), openAppend()] as const;
    const running = [
      chain.run('a', { makesVersion: 2, commandId: 'one' }, undefined, appends[0].steps),
      chain.run('a', { makesVersion: 3, commandId: 'two' }, 'one', appends[1].steps),
      chain.run('a', { makesVersion: 4, commandId: 'three' }, 'two', appends[2].steps),
    ];
    appends[0].reject(new Error('lost'));
    const outcomes = await Promise.allSettled(running);
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && String(outcome.reason) === 'Error: lost'));
    assert.deepEqual([appends[1].calls.append, appends[2].calls.append], [0, 0]);
  });

  it('lets other aggregates go on, and appends that name no command', async () => {
    const chain = new AppendChain();
    const [first, other, pipelined] = [openAppend(), openAppend(), openAppend()];
    const running = [
      chain.run('a', { makesVersion: 2, commandId: 'one' }, undefined, first.steps),
      chain.run('b', { makesVersion: 2, commandId: 'one' }, undefined, other.steps),
      chain.run('a', { makesVersion: 3, commandId: 'two' }, undefined, pipelined.steps),
    ];
    await turn();
    assert.deepEqual([other.calls.append, pipelined.calls.append], [1, 1]);
    for (const append of [first, other, pipelined]) append.resolve();
    await Promise.all(running);
  });

  it('has the command before verified when it does not know of it', async () => {
    const chain = new AppendChain();
    const append = openAppend();
    const refusing = { ...append.steps, verify: () => Promise.reject(new Error('another command')) };
    await assert.rejects(chain.run('a', { makesVersion: 2, commandId: 'two' }, 'one', refusing), /another command/);
    assert.equal(append.calls.append, 0);
    append.resolve();
    await chain.run('a', { makesVersion: 2, commandId: 'two' }, 'one', append.steps);
    assert.deepEqual([append.calls.verify, append.calls.append], [1, 1]);
  });
});
