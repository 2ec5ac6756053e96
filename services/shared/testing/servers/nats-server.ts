import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import type { ServerDefinition } from './server-definition.js';
import { natsServerBinary } from './tools.js';

/** Settings of a nats-server. */
export interface NatsServerSettings {
  /** TCP port on loopback. */
  readonly port: number;
  /** Folder for its configuration and JetStream's files; made when missing. */
  readonly dataDir: string;
  /**
   * Flush every write to the disk before acknowledging it. Without it, a power cut loses what was acknowledged in the
   * last two minutes.
   * @default true
   */
  readonly syncAlways?: boolean;
  /** Largest message in bytes. @default 8 MiB, the most that nats-server recommends */
  readonly maxPayloadBytes?: number;
}

const EIGHT_MIB = 8 * 1024 * 1024;

/** A nats-server with JetStream on loopback, without authentication. */
export function natsServer({
  port,
  dataDir,
  syncAlways = true,
  maxPayloadBytes = EIGHT_MIB,
}: NatsServerSettings): ServerDefinition {
  const url = `nats://127.0.0.1:${port}`;
  const configPath = join(dataDir, 'nats-server.conf');
  const config = [
    'server_name: threadweaver',
    `listen: "127.0.0.1:${port}"`,
    `max_payload: ${maxPayloadBytes}`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(dataDir)}`,
    ...(syncAlways ? ['  sync_interval: always'] : []),
    '}',
    '',
  ].join('\n');
  return {
    name: 'nats',
    url,
    port,
    prepare: async () => {
      await mkdir(dataDir, { recursive: true });
      await writeFile(configPath, config);
    },
    command: () => ({ command: natsServerBinary(), args: ['--config', configPath] }),
    checkHealth: () => checkNatsHealth(url),
  };
}

/**
 * Connects once and looks for JetStream.
 * @param url one address, or several with commas between them
 * @throws Error when nothing answers or JetStream is off
 */
export async function checkNatsHealth(url: string): Promise<void> {
  const connection = await connect({ servers: url.split(','), reconnect: false, timeout: 2_000 });
  try {
    if (connection.info?.jetstream !== true) throw new Error('nats-server answers, but JetStream is off');
  } finally {
    await connection.close();
  }
}
