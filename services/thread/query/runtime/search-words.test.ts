import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { searchWords, wordMatcher } from './search-words.js';

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

describe('wordMatcher', () => {
  it('asks for whole words, in any order, and the beginning of the last one, whatever case and accents', () => {
    const text = 'The quick QUÍCK brown fox of Zürich, a_word 日本語テキスト';
    for (const words of [['QUÏCK'], ['fox', 'quick', 'bro'], ['zurich'], ['Zu\u0308ri'], ['a_word'], ['日本語']]) {
      assert.ok(wordMatcher(words)(text), words.join(' '));
    }
    for (const words of [['uick'], ['ick'], ['bro', 'fox'], ['word'], ['quick', 'cat'], ['foxes']]) {
      assert.ok(!wordMatcher(words)(text), words.join(' '));
    }
  });
});
