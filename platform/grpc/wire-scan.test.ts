import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AddMessagesRequest as RestAddMessagesRequest } from '../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import { AddMessagesRequest, UpdateThreadRequest } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { requestShapeOf } from './request-shape.js';
import { WireScan } from './wire-scan.js';

const commands = '/threadweaver.thread.v1.ThreadCommandService';
const addMessages = requestShapeOf(`${commands}/AddMessages`);
const restAddMessages = requestShapeOf('/threadweaver.legacy.thread.v1.ThreadRestCommandService/AddMessages');
const bounds = { entriesOf: { messages: 7, toAccountIds: 6 }, listEntries: 20, fields: 200, depth: 20 };

function messages(count: number, ids = 0): AddMessagesRequest {
  const message = { text: 'x', toAccountIds: new Array<string>(ids).fill('id') };
  return { requestId: '', accountId: '', threadId: '', messages: new Array<typeof message>(count).fill(message) };
}

const refusalOf = (request: AddMessagesRequest) =>
  new WireScan(addMessages, bounds).refusal(AddMessagesRequest.encode(request).finish());
const refusalOfRest = (request: object) =>
  new WireScan(restAddMessages, bounds).refusal(
    RestAddMessagesRequest.encode(RestAddMessagesRequest.fromPartial(request)).finish(),
  );

describe('WireScan', () => {
  it('lets pass what is within the bounds', () => {
    assert.equal(refusalOf(messages(20, 5)), undefined);
    assert.equal(refusalOf(messages(1, 20)), undefined);
    assert.equal(refusalOfRest({ messages: [{ text: 'x', toAccountIds: new Array(20).fill('id') }] }), undefined);
  });

  it('names a list that is too long, and the bound that its clients know', () => {
    assert.deepEqual(refusalOf(messages(21)), { path: 'messages', fault: { kind: 'too-many', maximum: 7 } });
    const [first, second] = [messages(2), messages(1, 21)];
    assert.deepEqual(refusalOf({ ...first, messages: [...first.messages, ...second.messages] }), {
      path: 'messages[2].toAccountIds',
      fault: { kind: 'too-many', maximum: 6 },
    });
  });

  it('names lists in JSON by their places there', () => {
    assert.deepEqual(refusalOfRest({ messages: new Array(21).fill({}) }), {
      path: 'messages',
      fault: { kind: 'too-many', maximum: 7 },
    });
    assert.deepEqual(refusalOfRest({ messages: [{}, { text: 'x', toAccountIds: new Array(21).fill('') }] }), {
      path: 'messages[1].toAccountIds',
      fault: { kind: 'too-many', maximum: 6 },
    });
    const names = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`name-${index}`, null]));
    assert.deepEqual(refusalOfRest({ accountId: names }), {
      path: 'accountId',
      fault: { kind: 'too-many', maximum: 20 },
    });
  });

  it('counts what stands at different places together', () => {
    const fault = { kind: 'too-many-values', maximum: 200 };
    assert.deepEqual(refusalOf(messages(15, 14)), { path: 'request', fault });
    const again = Buffer.alloc(402, Buffer.from([0x0a, 0]));
    assert.deepEqual(new WireScan(addMessages, bounds).refusal(again), { path: 'request', fault });
  });

  it('goes only so deep', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)]);
    assert.equal(refusalOfRest({ messages: nested(9) }), undefined);
    assert.equal(refusalOfRest({ messages: nested(12) })?.fault.kind, 'malformed');
  });

  it('looks into what belongs to nobody, too', () => {
    const group = (...inside: number[]) => Buffer.from([0x7b, ...inside, 0x7c]);
    const scan = new WireScan(addMessages, bounds);
    assert.equal(scan.refusal(group(0x08, 1, 0x7b, 0x7c)), undefined);
    assert.equal(scan.refusal(Buffer.from([0xc0, 0x3e, 1])), undefined);
    for (const broken of [[0x7b], [0x7c], [0x0f], [0x22, 200], [0x08], [0x00, 1], [0x0d, 1, 2], Array(11).fill(0xff)]) {
      assert.equal(scan.refusal(Buffer.from(broken as number[]))?.fault.kind, 'malformed', String(broken));
    }
    assert.equal(scan.refusal(Buffer.alloc(1_000, 0x7b))?.fault.kind, 'malformed');
    assert.equal(scan.refusal(group(...new Array<number>(500).fill(0x08)))?.fault.kind, 'too-many-values');
  });

  it('names texts that are not UTF-8 by the places where they are', () => {
    const valid = { ...messages(3, 3), requestId: 'é' };
    const bytes = Buffer.from(AddMessagesRequest.encode(valid).finish());
    const scan = new WireScan(addMessages);
    assert.deepEqual(scan.invalidTexts(bytes), []);
    bytes[bytes.lastIndexOf('id')] = 0xff;
    bytes[2] = 0xff;
    assert.deepEqual(
      scan.invalidTexts(bytes).map(({ path }) => path),
      ['requestId', 'messages[2].toAccountIds[2]'],
    );
    const mask = Buffer.from(
      UpdateThreadRequest.encode(UpdateThreadRequest.fromPartial({ updateMask: ['title', 'idx'] })).finish(),
    );
    mask[mask.indexOf('idx')] = 0xff;
    assert.deepEqual(
      new WireScan(requestShapeOf(`${commands}/UpdateThread`)).invalidTexts(mask).map(({ path }) => path),
      ['updateMask[1]'],
    );
  });

  it('lets pass whatever the decoder takes, and throws at nothing', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(value, value, (one, other) => {
        const request = { messages: one, accountId: other };
        const bytes = RestAddMessagesRequest.encode(RestAddMessagesRequest.fromPartial(request)).finish();
        assert.equal(new WireScan(restAddMessages).refusal(bytes), undefined);
      }),
    );
    const scan = new WireScan(restAddMessages);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void scan.refusal(bytes)),
      { numRuns: 1_000 },
    );
  });
});
