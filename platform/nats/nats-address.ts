/** Where NATS is, and who asks. */
export interface NatsAddress {
  readonly servers: readonly string[];
  /** What the servers want to hear, if anything. */
  readonly credentials?: { readonly user: string; readonly pass: string };
}

/** Writes user and password into each of the servers' addresses, which have commas between them. */
export function withCredentials(url: string, user: string, password: string): string {
  const name = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  return parseNatsUrl(url)
    .servers.map((server) => server.replace(/^(\w+:\/\/)?/, `$1${name}`))
    .join(',');
}

/** @param url one server or several with commas between them, such as `nats://user:password@127.0.0.1:4222` */
export function parseNatsUrl(url: string): NatsAddress {
  const addresses = url.split(',').map((server) => server.trim());
  const named = /^(?:\w+:\/\/)?([^:@/]*):([^@/]*)@/.exec(addresses[0] ?? '');
  const servers = addresses.map((server) => server.replace(/^(\w+:\/\/)?[^@/]*@/, '$1'));
  if (named === null) return { servers };
  return {
    servers,
    credentials: { user: decodeURIComponent(named[1] ?? ''), pass: decodeURIComponent(named[2] ?? '') },
  };
}

/** The same address without a password, for people. */
export function printableNatsUrl(url: string): string {
  return parseNatsUrl(url).servers.join(',');
}

/** What the subjects of answers to a user begin with: one that no other user may listen to. */
export function inboxPrefixOf(user = ''): string {
  // A name that would be more than one token of a subject, or a wildcard, is none of ours.
  return /^[\w-]+$/.test(user) ? `_INBOX.${user}` : '_INBOX';
}
