import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { SaveSlots } from './save-slots.js';

describe('SaveSlots', () => {
  it('lets so many in at once, the others in their order, and frees the slot of one that fails', async () => {
    const slots = new SaveSlots(2);
    const begun: number[] = [];
    const finish: ((isWell: boolean) => void)[] = [];
    const works = [0, 1, 2, 3, 4].map((number) =>
      slots.run(async () => {
        begun.push(number);
        if (!(await new Promise<boolean>((resolve) => (finish[number] = resolve)))) throw new Error('it failed');
        return number;
      }),
    );
    await new Promise(setImmediate);
    assert.deepEqual(begun, [0, 1]);
    finish[1]?.(false);
    await assert.rejects(works[1] as Promise<number>, /it failed/);
    await new Promise(setImmediate);
    assert.deepEqual(begun, [0, 1, 2]);
    for (const number of [0, 2]) finish[number]?.(true);
    await new Promise(setImmediate);
    assert.deepEqual(begun, [0, 1, 2, 3, 4]);
    for (const number of [3, 4]) finish[number]?.(true);
    assert.deepEqual(await Promise.all([works[0], works[2], works[3], works[4]]), [0, 2, 3, 4]);
    assert.equal(await slots.run(async () => 5), 5);
  });
});
