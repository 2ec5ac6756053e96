import type { CommandTarget } from '../../reactions/process-reaction.js';
import type { Reaction } from '../../reactions/reaction.js';

/** Ends this process, as if by SIGKILL from outside, when it first comes to the place of DIE_AT. */
function dieAt(place: string): void {
  if (place === process.env['DIE_AT']) process.kill(process.pid, 'SIGKILL');
}

/** Places `before <command>` and `after <command>`. */
export function mortalTarget<Command, Rejection>(
  target: CommandTarget<Command, Rejection>,
): CommandTarget<Command, Rejection> {
  return {
    ...target,
    async execute(envelope) {
      dieAt(`before ${envelope.commandType}`);
      const outcome = await target.execute(envelope);
      dieAt(`after ${envelope.commandType}`);
      return outcome;
    },
  };
}

/** Places `begin` and `done`: what follows is carried out, but not saved as that. */
export function mortalReaction({ name, react }: Reaction): Reaction {
  return {
    name,
    async react(commit) {
      const isOrder = commit.commandType === 'PlaceOrder';
      if (isOrder) dieAt('begin');
      await react(commit);
      if (isOrder) dieAt('done');
    },
  };
}
