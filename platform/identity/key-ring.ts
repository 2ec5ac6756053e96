import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { Fault } from '../kernel/fault.js';

/** What tokens are signed by: jose, Envoy and Istio all know it, and it is quick to check. */
export const SIGNING_ALGORITHM = 'ES256';

/** A pair of keys of the installation, and when it is used: everybody acts by the clock. Times are in milliseconds since 1970. */
export interface RingKey {
  /** As tokens name it: the thumbprint of its public half (RFC 7638). */
  readonly id: string;
  /** Both halves. */
  readonly jwk: JWK;
  /** From then on everybody can learn its public half. */
  readonly publishFrom: number;
  /** From then on it signs, until a later key does. */
  readonly signFrom: number;
  /** From then on nothing that it has signed counts. @default never */
  readonly retireAfter?: number | undefined;
}

/** The installation's keys, the oldest first. */
export interface KeyRing {
  readonly keys: readonly RingKey[];
}

/** A ring with one key, which signs at once: nobody has a token yet. */
export async function newKeyRing(now: number): Promise<KeyRing> {
  return { keys: [await newKey(now, now)] };
}

async function newKey(publishFrom: number, signFrom: number): Promise<RingKey> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { id: await calculateJwkThumbprint(jwk), jwk, publishFrom, signFrom };
}

/** The public halves that tokens may be checked by at this time, as a JSON Web Key Set. */
export function publicKeys({ keys }: KeyRing, now: number): { readonly keys: JWK[] } {
  const isKnown = ({ publishFrom, retireAfter = Infinity }: RingKey): boolean =>
    publishFrom <= now && now < retireAfter;
  // Named one by one: whatever else a key has is private.
  const publicHalf = ({ id, jwk: { kty, crv, x, y } }: RingKey): JWK =>
    ({ kid: id, alg: SIGNING_ALGORITHM, use: 'sig', kty, crv, x, y }) as JWK;
  return { keys: keys.filter(isKnown).map(publicHalf) };
}

/**
 * The key that signs at this time.
 * @throws Fault reason NO_SIGNING_KEY
 */
export function signingKey({ keys }: KeyRing, now: number): RingKey {
  const able = keys.filter(({ signFrom, retireAfter = Infinity }) => signFrom <= now && now < retireAfter);
  const [latest] = able.sort((one, other) => other.signFrom - one.signFrom);
  if (latest === undefined) throw new Fault('internal', 'NO_SIGNING_KEY', 'no key of the ring may sign now');
  return latest;
}

export interface RotationOptions {
  /** How long it takes until everybody who keeps keys has asked again, in milliseconds. */
  readonly publishAheadMs: number;
  /** How long what the old key has signed may count at most, in milliseconds. */
  readonly tokenLifeMs: number;
}

/**
 * The ring with one key more, which signs once everybody has it; the present ones retire when their last tokens are over,
 * and those that have are gone.
 * @throws Fault reason ROTATION_UNDER_WAY while an earlier rotation's key does not sign yet
 */
export async function rotated(
  { keys }: KeyRing,
  now: number,
  { publishAheadMs, tokenLifeMs }: RotationOptions,
): Promise<KeyRing> {
  const waiting = keys.find(({ signFrom }) => signFrom > now);
  if (waiting !== undefined) {
    const message = `key ${waiting.id} signs from ${new Date(waiting.signFrom).toISOString()}: rotate again after that`;
    throw new Fault('failed-precondition', 'ROTATION_UNDER_WAY', message);
  }
  const signFrom = now + publishAheadMs;
  const kept = keys
    .filter(({ retireAfter = Infinity }) => retireAfter > now)
    .map((key) => ({ ...key, retireAfter: key.retireAfter ?? signFrom + tokenLifeMs }));
  return { keys: [...kept, await newKey(now, signFrom)] };
}

/** A ring as its file has it: with times that people can read. */
export function keyRingText({ keys }: KeyRing): string {
  const iso = (time: number): string => new Date(time).toISOString();
  const written = keys.map(({ id, jwk, publishFrom, signFrom, retireAfter }) => ({
    id,
    publishFrom: iso(publishFrom),
    signFrom: iso(signFrom),
    ...(retireAfter !== undefined && { retireAfter: iso(retireAfter) }),
    jwk,
  }));
  return `${JSON.stringify({ keys: written }, null, 2)}\n`;
}

/**
 * The way back.
 * @throws Fault reason INVALID_KEY_RING saying what is wrong; it never shows a key
 */
export function parseKeyRing(text: string): KeyRing {
  const { keys } = asObject(parsedJson(text), 'the key ring');
  if (!Array.isArray(keys) || keys.length === 0) throw invalid('it has no list of keys');
  return { keys: keys.map((key, index) => parseKey(key, `key ${index + 1}`)) };
}

function parseKey(value: unknown, where: string): RingKey {
  const { id, publishFrom, signFrom, retireAfter, jwk: given } = asObject(value, where);
  const jwk = asObject(given, `${where}'s jwk`) as JWK;
  const isPair = jwk.kty === 'EC' && jwk.crv === 'P-256' && [jwk.x, jwk.y, jwk.d].every((part) => isText(part));
  if (!isPair) throw invalid(`${where} is no pair of keys of the curve P-256`);
  if (!isText(id)) throw invalid(`${where} has no id`);
  const timeOf = (time: unknown, name: string): number => {
    const parsed = isText(time) ? Date.parse(time) : NaN;
    if (Number.isNaN(parsed)) throw invalid(`${where}'s ${name} is no time`);
    return parsed;
  };
  return {
    id,
    jwk,
    publishFrom: timeOf(publishFrom, 'publishFrom'),
    signFrom: timeOf(signFrom, 'signFrom'),
    retireAfter: retireAfter === undefined ? undefined : timeOf(retireAfter, 'retireAfter'),
  };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Node's message quotes what it has read.
    throw invalid('it is no JSON');
  }
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(`${what} is no object`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function invalid(what: string): Fault {
  return new Fault('failed-precondition', 'INVALID_KEY_RING', `the key ring cannot be read: ${what}`);
}
