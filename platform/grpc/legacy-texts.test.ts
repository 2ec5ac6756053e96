import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { describe, it } from 'mocha';
import { InvalidRequest } from '../kernel/field-violation.js';
import { toServiceError } from './statuses.js';
import { inLegacyWords, legacyFaultText, legacyGrpcWording, legacyTexts, type LegacyWording } from './legacy-texts.js';

const titleWording: LegacyWording = { exactTexts: { title: { 'too-long': 'title is too long' } } };

describe('legacy texts', () => {
  it('says of ULIDs what the older system said', () => {
    assert.equal(
      legacyFaultText('accountId', { kind: 'ulid-length', length: 3 }),
      'accountId: ulidString must be exactly 26 chars long.',
    );
    assert.equal(
      legacyFaultText('accountId', { kind: 'ulid-character', character: 'U' }),
      "accountId: Illegal character 'U'!",
    );
    assert.equal(
      legacyFaultText('accountId', { kind: 'ulid-overflow' }),
      "accountId: ulidString must not exceed '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'!",
    );
  });

  it('describes other faults in plain words', () => {
    assert.equal(legacyFaultText('limit', { kind: 'not-an-integer' }), 'limit: must be a whole number');
  });

  it('gives exact texts their own way, and only to their own field', () => {
    const tooLong = { kind: 'too-long', maximum: 255, actual: 256 } as const;
    assert.equal(legacyFaultText('title', tooLong, titleWording), 'title is too long');
    assert.equal(
      legacyFaultText('remarks', tooLong, titleWording),
      'remarks: must have at most 255 characters, has 256',
    );
    assert.equal(legacyFaultText('constructor', { kind: 'empty' }, titleWording), 'constructor: must not be empty');
  });

  it('names fields as the .proto does in gRPC', () => {
    const texts = legacyTexts(
      [{ path: 'messages[2].toAccountIds[0]', fault: { kind: 'ulid-overflow' } }],
      legacyGrpcWording,
    );
    assert.deepEqual(texts, [
      "messages[2].to_account_ids[0]: ulidString must not exceed '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'!",
    ]);
  });

  it('never holds a line break or another control character', () => {
    for (const character of ['\n', '\r', '\0', '\u0085', '\u2028', '\x7f', '\ud800']) {
      const text = legacyFaultText('id', { kind: 'ulid-character', character });
      assert.match(text, /^id: Illegal character '\\u[0-9a-f]{4}'!$/);
    }
  });

  it('becomes an INVALID_ARGUMENT with one text a line', () => {
    const error = new InvalidRequest([
      { path: 'offset', fault: { kind: 'not-an-integer' } },
      { path: 'threadId', fault: { kind: 'ulid-length', length: 0 } },
    ]);
    const { code, details } = toServiceError(inLegacyWords(error));
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.equal(details, 'offset: must be a whole number\nthreadId: ulidString must be exactly 26 chars long.');
  });
});
