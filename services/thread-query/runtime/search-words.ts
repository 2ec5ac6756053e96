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
