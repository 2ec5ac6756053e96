import { parseArgs } from 'node:util';
import { MeshError } from './mesh-error.js';
import { portSettings } from './mesh-settings.js';

/** What `npm start -- …` asks for. */
export interface CommandLine {
  readonly help: boolean;
  /** Empty the data folder first. */
  readonly reset: boolean;
  /** Do not ask before that. */
  readonly yes: boolean;
}

/**
 * Reads the arguments of `npm start`.
 * @throws MeshError naming an argument that does not exist
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        reset: { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new MeshError(`${(error as Error).message}\nnpm start -- --help lists what there is.`);
  }
}

/** What `--help` prints. */
export function helpText(): string {
  const ports = Object.values(portSettings).map(({ variable, port, purpose }) => [variable, String(port), purpose]);
  const others = [
    ['DATA_DIR', '.data', 'all state, logs and generated configuration'],
    ['LISTEN_HOST', '127.0.0.1', "the address of Envoy's public ports; 0.0.0.0 opens them to the network"],
    ['NATS_URL', '', 'use this NATS (with JetStream) instead of starting one'],
    ['MYSQL_URL', '', 'use this MySQL database instead of starting one'],
    ['ENVOY_BIN', '', 'use this Envoy instead of the installed one'],
    ['ENVOY_CONCURRENCY', '1', "Envoy's worker threads"],
    ['LOG_LEVEL', 'info', 'of the services: trace, debug, info, warn, error'],
    ['LOG', '', '`all` shows every log line here, not only warnings and errors'],
  ];
  const row = ([variable, byDefault, meaning]: string[]) =>
    `  ${variable?.padEnd(22)}${byDefault?.padEnd(11)}${meaning}`;
  return `Starts the whole mesh on this machine: NATS, MySQL, the services and Envoy.

npm start -- [options]
  --reset       empty the data folder first, after asking
  --yes, -y     do not ask
  --help, -h    this text

Settings, from the environment, with their defaults:
${[...others, ...ports].map(row).join('\n')}

Ctrl-C (or SIGTERM) drains and stops everything; a second Ctrl-C kills it. State is kept.`;
}
