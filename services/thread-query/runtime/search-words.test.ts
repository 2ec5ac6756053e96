import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { searchWords } from './search-words.js';

describe('searchWords', () => {
  it('are the runs of letters, digits and underscores of at least three characters, each once', () => {
    for (const [text, words] of [
      ['Hello, hello Hello!', ['Hello', 'hello']],
      ['to be or not to be', ['not']],
      ['e-mail: ann@example.org', ['mail', 'ann', 'example', 'org']],
      ['snake_case 2026 été', ['snake_case', '2026', 'été']],
      ['日本語テキスト', ['日本語テキスト']],
      ['x'.repeat(84) + ' ' + 'y'.repeat(85), ['x'.repeat(84)]],
    ] as const) {
      assert.deepEqual(searchWords(text), words, text);
    }
  });

  it('are none of what only operators, emoji or short words make', () => {
    for (const text of [
      '',
      ' ',
      '+ - * " ( ) @ ~ < >',
      '+-*',
      '"""',
      'a b c',
      'ab',
      '😀😀😀',
      '𝕳𝖊𝖑𝖑𝖔',
      '\0\0\0',
      "'; --",
    ]) {
      assert.deepEqual(searchWords(text), [], JSON.stringify(text));
    }
  });

  it('never hold an operator of the boolean mode', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) =>
        searchWords(`+a"(bcd* -${text}>~<@10`).every((word) => !/[-+*"()@~<>'\s]/.test(word)),
      ),
    );
  });
});
