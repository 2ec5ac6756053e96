import { domainToASCII } from 'node:url';
import validator from 'validator';

/** An e-mail address of an account. */
export interface EmailAddress {
  /** As its owner writes it, but with the domain in the form of the DNS. */
  readonly shown: string;
  /** The same for all spellings that mean the same mailbox: an address belongs to one account. */
  readonly key: string;
}

/** The longest that mail can be sent to (RFC 5321). */
const MAX_LENGTH = 254;
const notAscii = /[^ -~]/;
/** What a URL would end a host by, which domainToASCII then leaves out. */
const notOfDomain = /[\s/?#:@\\%[\]\p{Cc}]/u;

/**
 * Reads an address. Before the @ stands ASCII, so that no letter looks like another; a domain in other scripts becomes its
 * form in the DNS (`xn--…`), which shows that it is one. Case does not matter, also before the @, where standards would let
 * it: no provider gives `Ann@` and `ann@` to two people. Nothing else is folded: what dots and `+` mean is each provider's own.
 * @returns undefined: it is none
 */
export function emailAddress(text: string): EmailAddress | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  if (at < 1 || notAscii.test(text.slice(0, at)) || notOfDomain.test(domain)) return undefined;
  const shown = `${text.slice(0, at)}@${domainToASCII(domain)}`;
  const isAddress = validator.isEmail(shown, { require_tld: false });
  return isAddress ? { shown, key: shown.toLowerCase() } : undefined;
}
