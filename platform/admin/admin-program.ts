import { Argument, Command, CommanderError, type OutputConfiguration } from 'commander';
import { toError } from '../kernel/fault.js';
import { projectRoot } from '../process/project-root.js';
import type { AdministeredContext, AdminOutput, AdminTask, Ask } from './command-line/admin-task.js';
import { completionScript } from './command-line/completion.js';
import { addAccountCommands, type AdministeredAccounts } from './accounts/account-commands.js';
import { addExplainCommand } from './explain/explain-commands.js';
import { addIdentityCommands } from './identity/identity-commands.js';
import { addJournalCommands } from './journal/journal-commands.js';
import { addOwnershipCommands } from './ownership/ownership-commands.js';
import { addProjectionCommands } from './projection/projection-commands.js';
import { addReactionCommands } from './reactions/reaction-commands.js';

export type { AdministeredAccounts } from './accounts/account-commands.js';
export type { AdministeredContext } from './command-line/admin-task.js';

/** What arguments ask for. */
export interface AdminRequest {
  readonly task: AdminTask;
  readonly isJson: boolean;
}

/**
 * Reads what operators type; nothing is carried out.
 * @param args behind the program's name
 * @param print takes help that is asked for. @default to stdout
 * @param accounts @default there are none to look after
 * @throws CommanderError saying what is wrong, and near what; with exit code 0 when it was help that was asked for
 */
export function readAdminArguments(
  contexts: readonly AdministeredContext[],
  args: readonly string[],
  print: (text: string) => void = (text) => void process.stdout.write(text),
  accounts?: AdministeredAccounts,
): AdminRequest {
  let request: AdminRequest | undefined;
  const ask: Ask = (command, task) => {
    request = { task, isJson: command.optsWithGlobals<{ json?: true }>().json === true };
  };
  let wrong = '';
  try {
    programOf(contexts, accounts, ask, { writeOut: print, writeErr: (text) => (wrong += text) }).parse(args, {
      from: 'user',
    });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode !== 0) error.message = wrong.trimEnd();
    throw error;
  }
  if (request === undefined) throw new Error('no command was asked for');
  return request;
}

function programOf(
  contexts: readonly AdministeredContext[],
  accounts: AdministeredAccounts | undefined,
  ask: Ask,
  output: OutputConfiguration,
): Command {
  const program = new Command('npm run admin --')
    .description('Looks after what the contexts of this system have written.')
    // Whoever calls says what is wrong, and with which code the process ends.
    .exitOverride()
    .configureOutput(output)
    .showHelpAfterError('--help lists what there is')
    .configureHelp({ showGlobalOptions: false, helpWidth: 110 });
  for (const administered of contexts) {
    const { context } = administered;
    const group = program.command(context.name).description(`journal, ownership and projections of ${context.name}s`);
    addJournalCommands(group, context, ask);
    addOwnershipCommands(group, context, ask);
    addProjectionCommands(group, administered, ask);
    addReactionCommands(group, administered, ask);
    addExplainCommand(group, administered, ask);
  }
  const ofAccounts = program.command('account').description("people's accounts, tokens, and the keys that sign them");
  if (accounts !== undefined) addAccountCommands(ofAccounts, accounts, ask);
  addIdentityCommands(ofAccounts, ask);
  for (const leaf of leavesOf(program)) leaf.option('--json', 'print the result as JSON, and progress on stderr');
  program
    .command('completion')
    .description('print a script that defines `admin` in a shell and completes what comes after it')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .addHelpText('after', '\nExample:\n  source <(npm run --silent admin -- completion bash)')
    .action((shell: 'bash' | 'zsh', _options, command: Command) => {
      const script = completionScript(program, shell, projectRoot);
      ask(command, {
        name: 'admin',
        request: { kind: 'completion', shell },
        run: ({ say }) => Promise.resolve({ code: (say(script), 0), data: undefined }),
      });
    });
  return program;
}

/** All commands that do something. */
function leavesOf(command: Command): Command[] {
  const below = command.commands.flatMap(leavesOf);
  return command.commands.length === 0 || command.name() === 'ownership' ? [command, ...below] : below;
}

/**
 * Does what arguments ask for.
 * @returns the exit code: 0 when all is well
 */
export async function runAdmin(
  contexts: readonly AdministeredContext[],
  args: readonly string[],
  accounts?: AdministeredAccounts,
): Promise<number> {
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  const warn = (text: string): void => void process.stderr.write(`${text}\n`);
  let request: AdminRequest;
  try {
    request = readAdminArguments(contexts, args, undefined, accounts);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    warn(error.message);
    return args[1] === 'ownership' ? 2 : 1;
  }
  const { task, isJson } = request;
  const output: AdminOutput = {
    say: isJson ? () => undefined : line,
    warn,
    progress: isJson ? process.stderr : process.stdout,
  };
  try {
    const { code, data } = await task.run(output);
    if (isJson) line(JSON.stringify(data, null, 2));
    return code;
  } catch (thrown) {
    const error = toError(thrown);
    for (const text of task.explain?.(error) ?? [error.message]) warn(`${task.name}: ${text}`);
    return 1;
  }
}
