import assert from 'node:assert/strict';
import { InvalidRequest } from '../../../../platform/kernel/field-violation.js';
import { RequestParser, type UpdateRequest } from './request-parsing.js';

const parser = new RequestParser();
const id = '01DB5QXD4NP0XQTV92K42B3XBF';
const of = { accountId: id, threadId: id };

function pathsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof InvalidRequest) return error.violations.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('reactions in requests', () => {
  const paths = (reaction: string) => pathsOf(() => parser.addReaction({ ...of, messageId: id, reaction }));

  it('are one emoji, of however many code points', () => {
    for (const reaction of ['👍', '👍🏿', '❤️', '☺️', '1️⃣', '🇫🇷', '👩‍❤️‍💋‍👨', '👨🏻‍❤️‍💋‍👨🏿', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏳️‍🌈']) {
      assert.deepEqual(paths(reaction), [], reaction);
    }
  });

  it('are short texts, as other chats have them', () => {
    for (const reaction of [
      ':+1:',
      ':white_check_mark:',
      'a',
      '1',
      '👍👍',
      '❤',
      '<b>',
      'Zürich',
      'を',
      'x'.repeat(32),
    ]) {
      assert.deepEqual(paths(reaction), [], reaction);
    }
  });

  it('are nothing else', () => {
    for (const reaction of [
      ...[
        '',
        ' ',
        'a b',
        '👍 ',
        ' 👍',
        '👍\n',
        '👍\0',
        '\u200d',
        '\ufe0f',
        '\u0301',
        'a\u202e',
        '\u2028',
        'x'.repeat(33),
      ],
      ...["' OR 1=1 --", '👍'.repeat(10_000), '👍\u200d'.repeat(1_000), 'a\u0301', '\ud83d'],
    ]) {
      assert.deepEqual(paths(reaction), ['reaction'], JSON.stringify(reaction.slice(0, 20)));
    }
  });
});

describe('update masks', () => {
  const change = (request: Omit<UpdateRequest, 'accountId' | 'threadId'>) => {
    const { title, remarks, clearsRemarks } = parser.updateThread({ ...of, ...request }).command;
    return { title, remarks, clearsRemarks };
  };
  const paths = (request: object) => pathsOf(() => parser.updateThread({ ...of, ...request }));

  it('that are absent or empty stand for the fields that are present', () => {
    for (const updateMask of [undefined, []]) {
      const none = { title: undefined, remarks: undefined, clearsRemarks: false };
      assert.deepEqual(change({ title: '', updateMask }), { ...none, title: '' });
      assert.deepEqual(change({ remarks: '', updateMask }), { ...none, remarks: '' });
      assert.deepEqual(paths({ updateMask }), ['updateMask']);
    }
  });

  it('say what is changed, and clear what has no value', () => {
    const both = { title: 't', remarks: 'r' };
    assert.deepEqual(change({ ...both, updateMask: ['title'] }), {
      title: 't',
      remarks: undefined,
      clearsRemarks: false,
    });
    assert.deepEqual(change({ title: 't', updateMask: ['remarks'] }), {
      title: undefined,
      remarks: undefined,
      clearsRemarks: true,
    });
    assert.deepEqual(change({ ...both, updateMask: ['*'] }), { ...both, clearsRemarks: false });
    assert.deepEqual(change({ title: 't', updateMask: ['*'] }), {
      title: 't',
      remarks: undefined,
      clearsRemarks: true,
    });
    assert.deepEqual(change({ ...both, updateMask: ['title', 'remarks', 'title'] }), { ...both, clearsRemarks: false });
  });

  it('take only known names, and a title only with a value', () => {
    assert.deepEqual(paths({ title: 't', updateMask: ['title', 'creator_id', '', 'Title', 'title.x', '**'] }), [
      ...[1, 2, 3, 4, 5].map((index) => `updateMask[${index}]`),
    ]);
    assert.deepEqual(paths({ remarks: 'r', updateMask: ['title'] }), ['title']);
    assert.deepEqual(paths({ updateMask: ['*'] }), ['title']);
    assert.deepEqual(paths({ title: 'x'.repeat(256), remarks: '😀'.repeat(256) }), ['title', 'remarks']);
    assert.equal(paths({ updateMask: Array.from({ length: 10_000 }, () => 'x') }).at(-1), 'request');
  });
});

describe('edits in requests', () => {
  it('have a text of 1 to 255 code points', () => {
    const paths = (text: string) => pathsOf(() => parser.editMessage({ ...of, messageId: id, text }));
    assert.deepEqual([paths(''), paths('😀'.repeat(256))], [['text'], ['text']]);
    assert.deepEqual([paths('x'), paths('😀'.repeat(255))], [[], []]);
  });
});
