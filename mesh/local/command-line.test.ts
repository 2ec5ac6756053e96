import assert from 'node:assert/strict';
import { readCommandLine } from './command-line.js';
import { MeshError } from './mesh-error.js';

describe('readCommandLine', () => {
  it('takes one of each unless told otherwise', () => {
    const { instances, natsNodes } = readCommandLine([]) ?? assert.fail();
    assert.deepEqual([instances, natsNodes], [1, 1]);
  });

  it('takes numbers of instances and of NATS nodes', () => {
    const { instances, natsNodes } = readCommandLine(['--instances', '9', '--nats-nodes=3']) ?? assert.fail();
    assert.deepEqual([instances, natsNodes], [9, 3]);
  });

  for (const args of [
    ['--instances', '0'],
    ['--instances', '10'],
    ['--instances', 'many'],
    ['--nats-nodes', '2'],
  ]) {
    it(`refuses ${args.join(' ')}, naming the option and what it may be`, () => {
      assert.throws(
        () => readCommandLine(args),
        (error: Error) => error instanceof MeshError && error.message.startsWith(`${args[0]} is "${args[1]}", must be`),
      );
    });
  }
});
