import type { RequestChecks } from '../../../../platform/kernel/request-checks.js';

/**
 * One emoji, however many code points it is made of: Unicode's emoji "recommended for general interchange" (UTS 51,
 * RGI_Emoji), as far as this Node knows them. Made from a text because TypeScript takes the flag v in literals only for
 * later targets.
 */
const oneEmoji = new RegExp('^\\p{RGI_Emoji}$', 'v');

/** A short text such as ":+1:", without spaces and what cannot be seen, which begins with no combining mark. */
const shortText = /^(?!\p{M})[^\p{C}\p{Z}]{1,32}$/u;

/** No emoji has so many UTF-16 units; so no long text is matched. */
const MAX_UNITS = 64;

/** A reaction. Equal ones are equal texts: every emoji has one such form, and other texts are in Unicode's form NFC. */
export function parseReaction(checks: RequestChecks, reaction: string): string {
  if (reaction === '') checks.add('reaction', { kind: 'empty' });
  else if (reaction.length > MAX_UNITS || !isReaction(reaction)) {
    checks.add('reaction', {
      kind: 'malformed',
      expected: 'one emoji, or 1 to 32 visible characters without spaces in form NFC',
    });
  }
  return reaction;
}

function isReaction(text: string): boolean {
  return oneEmoji.test(text) || (shortText.test(text) && text.normalize('NFC') === text);
}
