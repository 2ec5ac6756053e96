import { Option, type Command } from 'commander';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import { Database } from '../../mysql/database.js';
import { commandPrefixOf, type AdministeredContext, type AdminTask, type Ask } from '../command-line/admin-task.js';
import { placeAfter, PLACES } from '../command-line/arguments.js';
import { readOperatorSettings } from '../command-line/config.js';
import { addDeadLettersCommands, addSkipCommand } from '../command-line/dead-letters.js';
import { openAdminLink } from '../command-line/open-admin-link.js';
import { ReactionOperator, type ReactionRequest } from './reaction-operator.js';

/** `admin CONTEXT reactions NAME …` */
export function addReactionCommands(parent: Command, { context, reactions = [] }: AdministeredContext, ask: Ask): void {
  if (reactions.length === 0) return;
  const group = parent.command('reactions').description(`look after what follows from ${context.name}s' events`);
  for (const reaction of reactions) addCommandsOf(reaction, group, context, ask);
}

function addCommandsOf(reaction: string, parent: Command, context: Context, ask: Ask): void {
  const noun = aggregateNounOf(context);
  const group = parent
    .command(reaction)
    .description(`the reaction ${reaction}`)
    .addHelpText(
      'after',
      `
Settings, from the environment: NATS_URL, NATS_USER, NATS_PASSWORD, MYSQL_URL, FEED_STORAGE, NATS_REPLICAS.
What is to be carried out again, whoever runs the reaction does: look at it by dead-letters list.

Examples:
  ${commandPrefixOf(context)} reactions ${reaction} replay --from 2026-01-31T12:00:00Z
  ${commandPrefixOf(context)} reactions ${reaction} dead-letters retry --all`,
    );
  const askFor = (command: Command, request: ReactionRequest): void =>
    ask(command, reactionTask(context, reaction, request));
  for (const [kind, description] of [
    ['status', 'state, position and parked of each partition'],
    ['pause', 'nothing is carried out until resume'],
    ['resume', 'end a pause'],
  ] as const) {
    group
      .command(kind)
      .description(description)
      .action((_options, command: Command) => askFor(command, { kind }));
  }
  group
    .command('replay')
    .description('carry out again from a place on; commands change nothing by that, effects are repeated')
    .addOption(new Option('--from <where>', PLACES).argParser(placeAfter('replay needs --from')).makeOptionMandatory())
    .action(({ from }: { from: number | Date }, command: Command) => askFor(command, { kind: 'replay', from }));
  const words = { noun, done: 'carried out', redo: 'carry it out' };
  addSkipCommand(addDeadLettersCommands(group, words, askFor), noun, askFor);
}

function reactionTask(context: Context, reaction: string, request: ReactionRequest): AdminTask {
  return {
    name: reaction,
    request,
    async run(output) {
      const settings = readOperatorSettings();
      const database = new Database({ url: settings.mysqlUrl, maxConnections: 2, statementTimeoutMs: 30_000 });
      try {
        const link = await openAdminLink(reaction, settings.natsUrl, output.warn);
        try {
          const parts = { context, reaction, settings, database, link, output };
          return await new ReactionOperator(parts).run(request);
        } finally {
          await link.close();
        }
      } finally {
        await database.close();
      }
    },
  };
}
