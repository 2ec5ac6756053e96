import assert from 'node:assert/strict';
import { Metadata, setLogger } from '@grpc/grpc-js';
import type { Logger } from '../telemetry/logger.js';
import { logGrpcLibrary } from './library-log.js';

describe('what grpc-js has to say', () => {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]): number => lines.push(line);
  before(() => logGrpcLibrary({ warn: note, debug: note } as unknown as Logger));
  after(() => setLogger(console));

  it('is logged, but of a header that a client has sent only the name', () => {
    Metadata.fromHttp2Headers({ cookie: 'session=gehe\u00efm', authorization: 'Bearer gehe\u00efm' });
    const text = 'a header that gRPC does not take is passed over';
    assert.deepEqual(lines, [
      [{ header: 'cookie' }, text],
      [{ header: 'authorization' }, text],
    ]);
  });
});
