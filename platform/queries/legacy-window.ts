import type { RequestChecks } from '../kernel/request-checks.js';
import type { Window } from './window.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 5_000;

/**
 * The older APIs' offset and limit: absent, they are 0 and 100.
 * @param maxLimit a larger limit means this. @default 5000
 */
export function parseLegacyWindow(
  checks: RequestChecks,
  { offset = '0', limit = String(DEFAULT_LIMIT) }: { readonly offset?: string; readonly limit?: string },
  maxLimit = MAX_LIMIT,
): Window {
  return {
    offset: parseCount(checks, 'offset', offset, Number.MAX_SAFE_INTEGER),
    limit: parseCount(checks, 'limit', limit, maxLimit),
  };
}

function parseCount(checks: RequestChecks, path: string, text: string, maximum: number): number {
  // As a bigint: a text of many digits must not become another number, or an infinite one.
  if (/^-0*[1-9]\d*$/.test(text)) checks.add(path, { kind: 'out-of-range', minimum: 0, maximum });
  else if (!/^[+-]?\d{1,100}$/.test(text)) checks.add(path, { kind: 'not-an-integer' });
  else return Number(BigInt(text) > BigInt(maximum) ? maximum : BigInt(text));
  return 0;
}
