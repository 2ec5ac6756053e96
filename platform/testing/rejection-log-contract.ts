import assert from 'node:assert/strict';
import type { LoggedRejection, RejectionLog } from '../commands/rejection-log.js';

function plain(rejections: readonly LoggedRejection[]): unknown[] {
  return rejections.map(({ rejection, ...rest }) => ({ ...rest, rejection: Buffer.from(rejection).toString() }));
}

/** What every log of rejections does. @param open the log of one instance, empty, and the same of another instance */
export function describeRejectionLogContract(name: string, open: () => Promise<[RejectionLog, RejectionLog]>): void {
  describe(`rejection log contract: ${name}`, () => {
    it('has none at first', async () => {
      const [log] = await open();
      assert.deepEqual(await log.read(new Set([0, 1, 2])), []);
    });

    it('gives another instance those of the partitions that it asks for, whole and in order', async () => {
      const [writer, reader] = await open();
      const written = Array.from({ length: 1_200 }, (_, index) => ({
        partition: index % 3,
        key: `thread.* > ${index} ü ${'f'.repeat(64)}`,
        rejection: Buffer.from(`reason ${index}`),
      }));
      await Promise.all(written.map((rejection) => writer.write(rejection)));
      const meant = written.filter(({ partition }) => partition !== 1);
      assert.deepEqual(plain(await reader.read(new Set([0, 2]))), plain(meant));
    });

    it('has a key once, as it was written last', async () => {
      const [writer, reader] = await open();
      const [a, b] = ['a', 'b'].map((key) => ({ partition: 5, key, rejection: Buffer.from('first') }));
      assert.ok(a && b);
      for (const rejection of [a, b]) await writer.write(rejection);
      const again = { ...a, rejection: Buffer.from([]) };
      await reader.write(again);
      assert.deepEqual(plain(await writer.read(new Set([5]))), plain([b, again]));
    });
  });
}
