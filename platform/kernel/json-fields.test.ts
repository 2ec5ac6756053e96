import assert from 'node:assert/strict';
import { InvalidRequest } from './field-violation.js';
import { JsonFields } from './json-fields.js';

function violationsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof InvalidRequest);
    return error.message.split('; ');
  }
  return [];
}

describe('JsonFields', () => {
  it('reads what has the right type, and null as absent', () => {
    const fields = new JsonFields({
      text: 'x',
      nothing: null,
      time: 5,
      long: '5',
      list: ['a'],
      items: [{ text: 'y' }],
    });
    const read = fields.check(() => ({
      text: fields.text('text'),
      nothing: fields.text('nothing'),
      absent: fields.texts('absent'),
      time: fields.number('time'),
      long: fields.number('long'),
      list: fields.texts('list'),
      items: fields.objects('items').map((item) => item.text('text')),
    }));
    assert.deepEqual(read, {
      text: 'x',
      nothing: undefined,
      absent: [],
      time: 5,
      long: 5,
      list: ['a'],
      items: ['y'],
    });
  });

  it('names every field of a wrong type, wherever it is', () => {
    const fields = new JsonFields({
      text: 5,
      time: 'soon',
      list: ['a', null, {}],
      lone: 'a',
      items: [{ text: [] }, 7],
    });
    const read = (): unknown => [
      fields.text('text'),
      fields.number('time'),
      fields.texts('list'),
      fields.texts('lone'),
      fields.objects('items').map((item) => item.text('text')),
    ];
    assert.deepEqual(
      violationsOf(() => fields.check(read)),
      [
        'text: must be a string',
        'time: must be a number',
        'list[1]: must be a string',
        'list[2]: must be a string',
        'lone: must be a list of strings',
        'items[1]: must be an object',
        'items[0].text: must be a string',
      ],
    );
  });

  it('adds what else is wrong, but names no field twice', () => {
    const fields = new JsonFields({ text: 5, texts: [5], other: 'x' });
    const read = (): never => {
      fields.text('text');
      fields.texts('texts');
      throw new InvalidRequest([
        { path: 'text', fault: { kind: 'missing' } },
        { path: 'texts[0]', fault: { kind: 'ulid-length', length: 0 } },
        { path: 'texts', fault: { kind: 'empty' } },
        { path: 'tex', fault: { kind: 'missing' } },
      ]);
    };
    assert.deepEqual(
      violationsOf(() => fields.check(read)),
      ['text: must be a string', 'texts[0]: must be a string', 'tex: is required'],
    );
  });
});
