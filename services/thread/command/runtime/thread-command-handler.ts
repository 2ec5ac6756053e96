import { deriveId } from '../../../../platform/kernel/derived-id.js';
import type { CommandOrigin, CommandOutcome } from '../../../../platform/commands/aggregate-model.js';
import type { Commands } from '../../../../platform/commands/aggregate-types.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import type { ThreadRejection } from '../domain/thread-rejection.js';
import type { ThreadState } from '../domain/thread-state.js';
import { participates } from '../domain/thread.js';

/** Where commands go: the host of this process, or whoever owns the thread. */
export type ThreadCommands = Commands<ThreadCommand, ThreadEvent, ThreadState, ThreadRejection>;

/** A thread that is to be created, before it has an id and its parent was looked up. */
export type ThreadToCreate = Omit<CreateThread, 'threadId' | 'parent'> & {
  readonly parentThreadId?: string | undefined;
};

export type ThreadOutcome = CommandOutcome<ThreadEvent, ThreadRejection> & { readonly threadId: string };

/** Carries out commands on threads. Throws as AggregateHost.execute does. */
export class ThreadCommandHandler {
  constructor(private readonly commands: ThreadCommands) {}

  /** The thread's id follows from the command's, so that a repeat finds the thread that the first try made. */
  async create({ parentThreadId, ...thread }: ThreadToCreate, origin: CommandOrigin): Promise<ThreadOutcome> {
    const threadId = deriveId(origin.commandId);
    const parent =
      parentThreadId === undefined
        ? undefined
        : { threadId: parentThreadId, exists: await this.#sees(thread.accountId, parentThreadId, origin.deadline) };
    return this.#execute(threadId, { ...thread, threadId, parent }, origin);
  }

  async handle(
    threadId: string,
    command: Exclude<ThreadCommand, CreateThread>,
    origin: CommandOrigin,
  ): Promise<ThreadOutcome> {
    return this.#execute(threadId, command, origin);
  }

  async #execute(threadId: string, command: ThreadCommand, origin: CommandOrigin): Promise<ThreadOutcome> {
    const outcome = await this.commands.execute({
      ...origin,
      aggregateId: threadId,
      command,
      commandType: command.type,
      startsAggregate: command.type === 'CreateThread',
    });
    return { ...outcome, threadId };
  }

  /** Only who takes part in a thread learns that it is there. */
  async #sees(accountId: string, threadId: string, deadline: number): Promise<boolean> {
    const { state } = await this.commands.inspect(threadId, deadline);
    return state.status === 'live' && participates(state, accountId);
  }
}
