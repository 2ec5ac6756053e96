import type { RequestChecks } from '../../shared/kernel/request-checks.js';

/**
 * One emoji, however many code points it is made of: Unicode's emoji "recommended for general interchange" (UTS 51,
 * RGI_Emoji), as far as this Node knows them. Made from a text because TypeScript takes the flag v in literals only for
 * later targets.
 */
const oneEmoji = new RegExp('^\\p{RGI_Emoji}$', 'v');

/** No emoji has so many UTF-16 units; so no long text is matched. */
const MAX_UNITS = 64;

/** A reaction: one emoji. Every emoji has one such form, so equal ones are equal texts. */
export function parseReaction(checks: RequestChecks, reaction: string): string {
  if (reaction === '') checks.add('reaction', { kind: 'empty' });
  else if (reaction.length > MAX_UNITS || !oneEmoji.test(reaction)) {
    checks.add('reaction', { kind: 'malformed', expected: 'one emoji' });
  }
  return reaction;
}
