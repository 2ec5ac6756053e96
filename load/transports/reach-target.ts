import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../usage-error.js';

const RETRY_MS = 200;

/**
 * Connects once, so that a load is not made on nothing. Repeats it for a while: what was just started may not listen yet.
 * @param target base URL of the edge
 * @param patienceMs for how long, in milliseconds
 * @param stop ends the attempts without an error
 * @throws UsageError when nothing listens there
 */
export async function reachTarget(target: string, patienceMs: number, stop: AbortSignal): Promise<void> {
  const { hostname, port, protocol } = new URL(target);
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
  const patience = AbortSignal.timeout(patienceMs);
  const giveUp = AbortSignal.any([patience, stop]);
  let reason = 'no connection in time';
  while (!giveUp.aborted) {
    const socket = connect(place);
    try {
      await once(socket, 'connect', { signal: giveUp });
      return;
    } catch (error) {
      if (!giveUp.aborted) reason = (error as Error).message || String((error as { code?: string }).code);
    } finally {
      socket.destroy();
    }
    await sleep(RETRY_MS, undefined, { signal: giveUp }).catch(() => undefined);
  }
  if (stop.aborted) return;
  throw new UsageError(`--target is "${target}", which cannot be reached: ${reason}. Is \`npm start\` running?`);
}
