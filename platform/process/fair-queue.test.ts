import assert from 'node:assert/strict';
import { type Fault } from '../kernel/fault.js';
import { FairQueue } from './fair-queue.js';

/** Work that goes on until it is ended by hand. */
class Works {
  readonly started: string[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(private readonly queue: FairQueue) {}

  run(client: string): Promise<void> {
    return this.queue.run(client, () => {
      this.started.push(client);
      return new Promise((resolve) => this.#ends.push(resolve));
    });
  }

  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a fair queue', () => {
  it('has clients take turns, whoever asks for more', async () => {
    const works = new Works(new FairQueue({ maxRunning: 2 }));
    const all = ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'c'].map((client) => works.run(client));
    assert.deepEqual(works.started, ['a', 'a']);
    for (let count = 0; count < 8; count += 1) await works.endOne();
    assert.deepEqual(works.started.slice(2), ['a', 'b', 'c', 'a', 'b', 'a']);
    await Promise.all(all);
  });

  it('goes on after work that fails', async () => {
    const queue = new FairQueue({ maxRunning: 1 });
    const failing = queue.run('a', () => Promise.reject(new Error('no')));
    const next = queue.run('a', async () => 'done');
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'done');
    assert.equal(await queue.run('a', async () => 'again'), 'again');
    assert.equal(queue.waiting, 0);
  });

  it('refuses the latest of whoever has most waiting when too much waits in all', async () => {
    const works = new Works(new FairQueue({ maxRunning: 1, maxWaiting: 4 }));
    const outcomes = ['a', 'a', 'a', 'a', 'a', 'a', 'b', 'c', 'd'].map((client) =>
      works.run(client).then(
        () => client,
        ({ reason }: Fault) => `${client} ${reason}`,
      ),
    );
    for (let count = 0; count < 5; count += 1) await works.endOne();
    assert.deepEqual(works.started, ['a', 'a', 'b', 'c', 'd']);
    const refused = 'a OVERLOADED';
    assert.deepEqual(await Promise.all(outcomes), ['a', 'a', refused, refused, refused, refused, 'b', 'c', 'd']);
  });

  it('refuses what is too much of one client, and takes that of another', async () => {
    const works = new Works(new FairQueue({ maxRunning: 1, maxWaitingPerClient: 2 }));
    const all = ['a', 'a', 'a'].map((client) => works.run(client));
    await assert.rejects(works.run('a'), (error: Fault) => error.kind === 'exhausted' && error.reason === 'OVERLOADED');
    all.push(works.run('b'));
    for (let count = 0; count < 4; count += 1) await works.endOne();
    await Promise.all(all);
    assert.deepEqual(works.started, ['a', 'a', 'b', 'a']);
  });

  it('refuses what has waited too long, but for the last that its client has', async () => {
    const works = new Works(new FairQueue({ maxRunning: 1, maxWaitMs: 0 }));
    const [first, late, last] = ['a', 'a', 'a'].map((client) => works.run(client));
    await new Promise((resolve) => setTimeout(resolve, 2));
    const refused = assert.rejects(late ?? assert.fail(), (error: Fault) => error.reason === 'OVERLOADED');
    await works.endOne();
    await first;
    await refused;
    await works.endOne();
    await last;
    assert.deepEqual(works.started, ['a', 'a']);
  });
});
