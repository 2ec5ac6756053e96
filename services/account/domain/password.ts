import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/** Longer ones are refused, in characters. */
export const MAX_PASSWORD_LENGTH = 1_000;
/** So much of a long password is judged: the rest could only make it better, and judging takes time. */
const JUDGED_CHARACTERS = 40;
/** Of 4: what is below falls to whoever tries the likely ones first. */
const LEAST_SCORE = 3;

// Made when it is first needed: most processes that import this never judge a password.
let judge: ZxcvbnFactory | undefined;

/** The same text for all ways in which keyboards and systems write it (NIST 800-63B-4, 3.1.1.2). */
export function normalizedPassword(text: string): string {
  return text.normalize('NFKC');
}

/**
 * Whether a password is a well-known one, or made of such by repeating, appending a year and the like, of rows of the
 * keyboard, or of what is known of the person. Takes up to some 30 ms.
 */
export function isEasilyGuessed(password: string, aboutPerson: readonly string[]): boolean {
  judge ??= new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  const known = aboutPerson.filter((text) => text !== '').map((text) => text.slice(0, JUDGED_CHARACTERS));
  const { score } = judge.check(password.slice(0, JUDGED_CHARACTERS), ['threadweaver', ...known]);
  return score < LEAST_SCORE;
}
