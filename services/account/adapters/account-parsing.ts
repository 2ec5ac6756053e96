import type { RequestChecks } from '../../../platform/kernel/request-checks.js';
import type { Profile } from '../domain/account.js';
import { parseBirthday } from '../domain/birthday.js';
import { emailAddress, type EmailAddress } from '../domain/email-address.js';
import { isEasilyGuessed, MAX_PASSWORD_LENGTH, normalizedPassword } from '../domain/password.js';

/** A profile as a request has it. */
export interface ProfileTexts {
  readonly name: string;
  readonly surname: string;
  readonly birthday: string;
  readonly sex: string;
  readonly city: string;
  readonly interests: string;
}

export const profileFields = ['name', 'surname', 'birthday', 'sex', 'city', 'interests'] as const;

/** The longest that each text may be, in characters. */
const maxLengths = { name: 100, surname: 100, sex: 50, city: 100, interests: 1_000 };
export const MAX_NAME_LENGTH = maxLengths.name;

/** Control characters, and those that show a text in another order than it has. */
const unseen = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u;
/** The same, but that lines may be broken. */
const unseenInLines = /[^\P{Cc}\n\r\t]|[\u202A-\u202E\u2066-\u2069]/u;

/** An address. What is none is recorded, and never named: logs have what is wrong with a request. */
export function parseEmail(checks: RequestChecks, path: string, text: string): EmailAddress {
  const email = emailAddress(text);
  if (email !== undefined) return email;
  checks.add(path, text === '' ? { kind: 'empty' } : { kind: 'malformed', expected: 'an e-mail address' });
  return { shown: '', key: '' };
}

/** Any password, as the older API and whoever has one already takes it. */
export function parsePassword(checks: RequestChecks, path: string, text: string): string {
  return checks.text(path, text, { minimum: 1, maximum: MAX_PASSWORD_LENGTH });
}

export function parseRefreshToken(checks: RequestChecks, text: string): string {
  return checks.text('refreshToken', text, { minimum: 1, maximum: 4_096 });
}

/** A password that is to be a new one, of somebody about whom others know this. @param minimum characters, at least */
export function parseNewPassword(
  checks: RequestChecks,
  path: string,
  text: string,
  minimum: number,
  { email, name, surname }: { email: EmailAddress; name: string; surname: string },
): string {
  const about = [email.shown, email.shown.split('@')[0] ?? '', name, surname];
  const normalized = normalizedPassword(text.slice(0, MAX_PASSWORD_LENGTH + 1));
  if ([...normalized].length < minimum) {
    checks.add(path, { kind: 'malformed', expected: `at least ${minimum} characters long` });
  } else if (text.length <= MAX_PASSWORD_LENGTH && isEasilyGuessed(normalized, about)) {
    checks.add(path, { kind: 'malformed', expected: 'a password that is not well known or easily guessed' });
  }
  return checks.text(path, text, { maximum: MAX_PASSWORD_LENGTH });
}

/** A text of a profile. `minimum` characters @default 0 */
export function parseProfileText(
  checks: RequestChecks,
  path: keyof typeof maxLengths,
  given: string,
  { minimum = 0 } = {},
): string {
  const text = checks.text(path, given.length > maxLengths[path] * 4 ? given : given.normalize('NFC'), {
    maximum: maxLengths[path],
  });
  if (minimum > 0 && text.trim() === '') checks.add(path, { kind: 'empty' });
  if ((path === 'interests' ? unseenInLines : unseen).test(text)) {
    checks.add(path, { kind: 'malformed', expected: 'a text without control characters' });
  }
  return text;
}

export function parseProfileBirthday(checks: RequestChecks, text: string): number | undefined {
  if (text === '') return undefined;
  const birthday = parseBirthday(text, Date.now());
  if (birthday === undefined) {
    checks.add('birthday', { kind: 'malformed', expected: 'a date or time of the past as RFC 3339 writes it' });
  }
  return birthday;
}

/** Those fields that are there. @param required those that must say something */
export function parseProfile(
  checks: RequestChecks,
  texts: { readonly [Field in keyof ProfileTexts]?: string | undefined },
  required: readonly (keyof ProfileTexts)[],
): Partial<Profile> {
  const minimumOf = (path: keyof ProfileTexts): { minimum: number } => ({ minimum: required.includes(path) ? 1 : 0 });
  const { birthday, ...others } = texts;
  const parsed = Object.fromEntries(
    Object.entries(others).flatMap(([path, text]) => {
      if (text === undefined) return [];
      return [[path, parseProfileText(checks, path as keyof typeof maxLengths, text, minimumOf(path as 'name'))]];
    }),
  ) as Partial<Profile>;
  if (birthday === undefined) return parsed;
  if (birthday === '' && required.includes('birthday')) checks.add('birthday', { kind: 'empty' });
  return { ...parsed, birthday: parseProfileBirthday(checks, birthday) };
}

/** What a name has to begin with. */
export function parsePrefix(checks: RequestChecks, path: string, given: string): string {
  const text = checks.text(path, given, { minimum: 1, maximum: MAX_NAME_LENGTH });
  if (unseen.test(text)) checks.add(path, { kind: 'malformed', expected: 'a text without control characters' });
  return text.normalize('NFC');
}
