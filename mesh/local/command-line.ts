import { parseArgs } from 'node:util';
import { MeshError } from './mesh-error.js';
import { MAX_INSTANCES, portSettings } from './mesh-settings.js';

/** What `npm start -- …` asks for. */
export interface CommandLine {
  readonly help: boolean;
  /** Empty the data folder first. */
  readonly reset: boolean;
  /** Do not ask before that. */
  readonly yes: boolean;
  /** Instances of thread-command. @default 1 */
  readonly instances: number;
  /** nats-servers. @default 1 */
  readonly natsNodes: 1 | 3;
  /** Start a service again when a file that it imports has changed. */
  readonly watch: boolean;
}

/**
 * Reads the arguments of `npm start`.
 * @throws MeshError naming an argument that does not exist, or whose value cannot be meant
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { instances, 'nats-nodes': natsNodes, ...flags } = parsed(args);
  if (!/^[1-9]$/.test(instances)) {
    throw new MeshError(`--instances is "${instances}", must be a number from 1 to ${MAX_INSTANCES}.`);
  }
  if (natsNodes !== '1' && natsNodes !== '3') throw new MeshError(`--nats-nodes is "${natsNodes}", must be 1 or 3.`);
  return { ...flags, instances: Number(instances), natsNodes: natsNodes === '3' ? 3 : 1 };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        reset: { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
        instances: { type: 'string', default: '1' },
        'nats-nodes': { type: 'string', default: '1' },
        watch: { type: 'boolean', default: false },
      },
    }).values;
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
    ['ENVOY_MAX_CONNECTIONS_PER_ADDRESS', '2500', 'connections of one address to Envoy at once'],
    ['METRICS_PORT', '0', 'serve /metrics of the services on this port and those after it, 0 for none'],
    ['LOG_LEVEL', 'info', 'of the services: trace, debug, info, warn, error'],
    ['LOG', '', '`all` shows every log line here, not only warnings and errors'],
    ['LOG_FILE_MAX_MIB', '10', "size in MiB at which a process's log file is moved away and another begun"],
    ['LOG_FILES_KEPT', '3', 'log files that are kept of each process, the present one included'],
  ];
  const row = ([variable, byDefault, meaning]: string[]) =>
    `  ${variable?.padEnd(29)}${byDefault?.padEnd(11)}${meaning}`;
  return `Starts the whole mesh on this machine: NATS, MySQL, the services and Envoy.

npm start -- [options]
  --instances N    so many thread-command (1 to ${MAX_INSTANCES}); from 2 on, two of each other service
  --nats-nodes 3   a NATS cluster of three nodes, with three copies of everything
  --watch          start a service again when what it is compiled to has changed (npm run dev compiles, too)
  --reset          empty the data folder first, after asking
  --yes, -y        do not ask
  --help, -h       this text

Settings, from the environment, with their defaults:
${[...others, ...ports].map(row).join('\n')}

Ctrl-C (or SIGTERM) drains and stops everything; a second Ctrl-C kills it. State is kept.`;
}
