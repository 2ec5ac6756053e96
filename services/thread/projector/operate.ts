import { settingsOrExit } from '../../../platform/process/environment.js';
import { Database } from '../../../platform/mysql/database.js';
import { printableNatsUrl } from '../../../platform/nats/nats-address.js';
import { NatsLink } from '../../../platform/nats/nats-link.js';
import { createLogger } from '../../../platform/telemetry/logger.js';
import { Fault, toError } from '../../../platform/kernel/fault.js';
import { helpText, readCommandLine } from './adapters/operator-command-line.js';
import { Operator } from '../../../platform/admin/projection/operator.js';
import { threadContext } from '../events/context.js';
import { readOperatorConfig } from './config.js';
import { threadsProjection } from './projection.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { command, config } = settingsOrExit(() => ({
  command: readCommandLine(process.argv.slice(2)),
  config: readOperatorConfig(),
}));
if (command.kind === 'help') {
  say(helpText);
} else {
  const database = new Database({ url: config.mysqlUrl, maxConnections: 4, statementTimeoutMs: 30_000 });
  let link: Promise<NatsLink> | undefined;
  /** Some commands need only the database. */
  const openLink = (): Promise<NatsLink> => {
    const hint = setTimeout(
      () => process.stderr.write(`projector: waiting for NATS at ${printableNatsUrl(config.natsUrl)}\n`),
      2_000,
    );
    const logger = createLogger('projector', 'silent');
    const onRefused = (message: string): void => void process.stderr.write(`projector: ${message}\n`);
    link ??= NatsLink.open({ url: config.natsUrl, name: 'projector', logger, requestTimeoutMs: 30_000, onRefused });
    return link.finally(() => clearTimeout(hint));
  };
  try {
    process.exitCode = await new Operator({
      ...{ context: threadContext, projection: threadsProjection },
      ...{ config, database, openLink, say, output: process.stdout },
    }).run(command);
  } catch (thrown) {
    const error = toError(thrown);
    const { cause } = error;
    const why = error instanceof Fault && cause instanceof Error ? ` (${cause.message})` : '';
    process.stderr.write(`projector: ${error.message}${why}\n`);
    process.exitCode = 1;
  } finally {
    await (await link)?.close();
    await database.close();
  }
}
