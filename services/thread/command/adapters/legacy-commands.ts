import type { CallContext } from '../../../../platform/grpc/unary-service.js';
import { legacyTexts, type LegacyWording } from '../../../../platform/grpc/legacy-texts.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import type { ThreadRejection } from '../domain/thread-rejection.js';
import type { ThreadCommandHandler, ThreadToCreate } from '../runtime/thread-command-handler.js';
import { originOf } from '../../../../platform/grpc/command-origin.js';
import { legacyRejectionText, violationsOf } from './rejections.js';
import type { Addressed } from './request-parsing.js';

/** An outcome as the older APIs tell it: an answer with texts in place of an error. */
export interface LegacyOutcome {
  /** Undefined when the command was rejected. */
  readonly threadId: string | undefined;
  readonly events: readonly ThreadEvent[];
  /** Empty when the command was taken. */
  readonly errorMessages: string[];
}

/** Texts that the older clients compare with. */
export const legacyExactTexts = {
  title: { 'too-long': 'title is too long' },
  administratorIds: { empty: 'administrator-ids is empty' },
} as const;

/** Carries out commands of an older API, whose rejections are answers. `content` as in `originOf`. */
export class LegacyCommands {
  constructor(
    private readonly handler: ThreadCommandHandler,
    private readonly wording: LegacyWording,
  ) {}

  async create(thread: ThreadToCreate, content: object, context: CallContext): Promise<LegacyOutcome> {
    const origin = originOf(context, thread.accountId, '', content);
    context.annotate({ account_id: thread.accountId, command_id: origin.commandId });
    const outcome = await this.handler.create(thread, origin);
    return this.#tell('CreateThread', outcome, context);
  }

  async handle(
    { threadId, command }: Addressed<Exclude<ThreadCommand, CreateThread>>,
    content: object,
    context: CallContext,
  ): Promise<LegacyOutcome> {
    const origin = originOf(context, command.accountId, '', content);
    context.annotate({ account_id: command.accountId, command_id: origin.commandId });
    const outcome = await this.handler.handle(threadId, command, origin);
    return this.#tell(command.type, outcome, context);
  }

  #tell(
    commandType: ThreadCommand['type'],
    outcome: Awaited<ReturnType<ThreadCommandHandler['handle']>>,
    context: CallContext,
  ): LegacyOutcome {
    const { threadId } = outcome;
    context.annotate({ thread_id: threadId });
    if (outcome.kind === 'committed') {
      context.annotate({ version: outcome.version });
      // The older answers have no place for it; it is what a query's x-min-version wants.
      context.answerHeader('x-thread-version', String(outcome.version));
      return { threadId, events: outcome.events, errorMessages: [] };
    }
    context.annotate({ rejection: outcome.rejection.code });
    return { threadId: undefined, events: [], errorMessages: this.#texts(outcome.rejection, commandType) };
  }

  #texts(rejection: ThreadRejection, commandType: ThreadCommand['type']): string[] {
    const text = legacyRejectionText(rejection, commandType);
    return text === undefined ? legacyTexts(violationsOf(rejection), this.wording) : [text];
  }
}
