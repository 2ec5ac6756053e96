/** InnoDB's full-text index holds words of these lengths, in characters (innodb_ft_min_token_size, _max_token_size). */
const MIN_WORD_CHARACTERS = 3;
const MAX_WORD_CHARACTERS = 84;

/**
 * Runs of what the index takes for parts of words: letters, marks, digits and "_", of the basic plane only. All else divides
 * words, so nothing that a caller writes is an operator.
 */
const words = new RegExp('[[\\p{L}\\p{M}\\p{N}_]&&[\\u{0}-\\u{ffff}]]+', 'gv');

/** The words of a text that the full-text index can find, each once; none when there is nothing to look for. */
export function searchWords(text: string): string[] {
  const found = (text.match(words) ?? []).filter(
    ({ length }) => length >= MIN_WORD_CHARACTERS && length <= MAX_WORD_CHARACTERS,
  );
  return [...new Set(found)];
}

/** As the database compares texts: neither case nor accents count. */
const collator = new Intl.Collator('und', { sensitivity: 'base', usage: 'search' });

/**
 * Tells which texts have all of these words, as the full-text index does: as whole words, the last one as the beginning of
 * a word.
 * @param sought at least one
 */
export function wordMatcher(sought: readonly string[]): (text: string) => boolean {
  const composed = sought.map((word) => word.normalize('NFC'));
  const beginning = composed.at(-1) ?? '';
  const whole = composed.slice(0, -1);
  return (text) => {
    const found = text.normalize('NFC').match(words) ?? [];
    return (
      found.some((word) => isSame(word.slice(0, beginning.length), beginning)) &&
      whole.every((word) => found.some((one) => isSame(one, word)))
    );
  };
}

function isSame(one: string, other: string): boolean {
  return collator.compare(one, other) === 0;
}
