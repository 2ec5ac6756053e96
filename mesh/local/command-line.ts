import { Command, CommanderError } from 'commander';
import { MeshError } from './mesh-error.js';
import { MAX_INSTANCES, portSettings } from './mesh-settings.js';

/** What `npm start -- …` asks for. */
export interface CommandLine {
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
  /** Run Prometheus, too, with the alert rules and a dashboard. */
  readonly observe: boolean;
}

/**
 * Reads the arguments of `npm start`.
 * @returns undefined when help was asked for, and has been shown
 * @throws MeshError naming an argument that does not exist, or whose value cannot be meant
 */
export function readCommandLine(args: readonly string[]): CommandLine | undefined {
  const command = new Command('npm start --')
    .description('Starts the whole mesh on this machine: NATS, MySQL, the services and Envoy.')
    .option(
      '--instances <n>',
      `so many thread-command (1 to ${MAX_INSTANCES}); from 2 on, two of each other service`,
      instancesOf,
      1,
    )
    .option('--nats-nodes <n>', '3: a NATS cluster of three nodes, with three copies of everything', natsNodesOf, 1)
    .option(
      '--watch',
      'start a service again when what it is compiled to has changed (npm run dev compiles, too)',
      false,
    )
    .option('--observe', 'run Prometheus, too, with the alert rules and a dashboard (installed at first use)', false)
    .option('--reset', 'empty the data folder first, after asking', false)
    .option('-y, --yes', 'do not ask', false)
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', settingsText)
    .configureHelp({ helpWidth: 130 })
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
  try {
    return command.parse(args, { from: 'user' }).opts<CommandLine>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    const message = error.message.replace(/^error: (.)/, (_all, first: string) => first.toUpperCase());
    throw new MeshError(`${message}\nnpm start -- --help lists what there is.`);
  }
}

function instancesOf(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new MeshError(`--instances is "${text}", must be a number from 1 to ${MAX_INSTANCES}.`);
}

function natsNodesOf(text: string): 1 | 3 {
  if (text === '1' || text === '3') return text === '3' ? 3 : 1;
  throw new MeshError(`--nats-nodes is "${text}", must be 1 or 3.`);
}

/** What `--help` says of the environment. */
function settingsText(): string {
  const ports = Object.values(portSettings).map(({ variable, port, purpose }) => [variable, String(port), purpose]);
  const others = [
    ['DATA_DIR', '.data', 'all state, logs and generated configuration'],
    ['LISTEN_HOST', '127.0.0.1', "the address of Envoy's public ports; 0.0.0.0 opens them to the network"],
    ['NATS_URL', '', 'use this NATS (with JetStream) instead of starting one'],
    ['MYSQL_URL', '', 'use this MySQL database instead of starting one'],
    ['ENVOY_BIN', '', 'use this Envoy instead of the installed one'],
    ['ENVOY_CONCURRENCY', '1', "Envoy's worker threads"],
    ['ENVOY_MAX_CONNECTIONS_PER_ADDRESS', '2500', 'connections of one address to Envoy at once'],
    ['TLS_CERTIFICATE_FILE', '', 'show this certificate (PEM) to those who come by TLS, instead of one of its own'],
    ['TLS_KEY_FILE', '', 'its key (PEM)'],
    ['ENVOY_MAX_CALLS_PER_SECOND_OF_ADDRESS', '10000', 'calls a second of one address that brings no token'],
    ['ENVOY_MAX_CALLS_PER_SECOND_OF_SUBJECT', '1000', 'calls a second with tokens of one subject'],
    ['METRICS_PORT', '0', 'serve /metrics of the services on this port and those after it, 0 for none'],
    ['LOG_LEVEL', 'info', 'of the services: trace, debug, info, warn, error'],
    ['LOG', '', '`all` shows every log line here, not only warnings and errors'],
    ['LOG_FILE_MAX_MIB', '10', "size in MiB at which a process's log file is moved away and another begun"],
    ['LOG_FILES_KEPT', '3', 'log files that are kept of each process, the present one included'],
  ];
  const row = ([variable, byDefault, meaning]: string[]) =>
    `  ${variable?.padEnd(39)}${byDefault?.padEnd(11)}${meaning}`;
  return `
Settings, from the environment, with their defaults:
${[...others, ...ports].map(row).join('\n')}

Ctrl-C (or SIGTERM) drains and stops everything; a second Ctrl-C kills it. State is kept.`;
}
