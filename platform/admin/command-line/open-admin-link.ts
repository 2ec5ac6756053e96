import { printableNatsUrl } from '../../nats/nats-address.js';
import { NatsLink } from '../../nats/nats-link.js';
import { createLogger } from '../../telemetry/logger.js';

/** A connection says so when it takes longer than this, in milliseconds. */
const HINT_AFTER_MS = 2_000;

/** Connects to NATS, and says on stderr what it waits for. `name` stands before that. */
export async function openAdminLink(name: string, url: string, warn: (line: string) => void): Promise<NatsLink> {
  const hint = setTimeout(() => warn(`${name}: waiting for NATS at ${printableNatsUrl(url)}`), HINT_AFTER_MS);
  try {
    return await NatsLink.open({
      ...{ url, name, logger: createLogger(name, 'silent'), requestTimeoutMs: 30_000 },
      onRefused: (message) => warn(`${name}: ${message}`),
    });
  } finally {
    clearTimeout(hint);
  }
}
