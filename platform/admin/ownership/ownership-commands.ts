import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Command } from 'commander';
import {
  GetOwnershipResponse,
  OwnershipServiceClient,
  WhichResponse,
} from '../../../gen/threadweaver/admin/v1/ownership_service.js';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import { readOwnershipAddress } from '../command-line/config.js';
import { alignedLines } from '../command-line/aligned-lines.js';
import { commandPrefixOf, type AdminTask, type Ask } from '../command-line/admin-task.js';

const NAME = 'ownership';
/** An instance that does not answer for so long, in milliseconds, is none. */
const TIMEOUT_MS = 5_000;

/** `admin CONTEXT ownership …` */
export function addOwnershipCommands(parent: Command, context: Context, ask: Ask): void {
  const noun = aggregateNounOf(context);
  const prefix = `${commandPrefixOf(context)} ownership`;
  const address = [
    '--address <host:port>',
    `ADMIN_HOST:ADMIN_PORT of any instance of ${context.name}-command (default: OWNERSHIP_ADDRESS, else 127.0.0.1:50054, the first one's under npm start)`,
  ] as const;
  const ownership = parent
    .command('ownership')
    .description(`which instance of ${context.name}-command owns which partitions`)
    .option(...address)
    .addHelpText('after', `\nExamples:\n  ${prefix}\n  ${prefix} which 01DB5QXD4NP0XQTV92K42B3XBF`)
    .action((_options, command: Command) => ask(command, ownershipTask(ownership, undefined)));
  ownership
    .command('which')
    .description(`which instance owns a ${noun}`)
    .argument(`<${noun.toUpperCase()}_ID>`, `the id of a ${noun}; of another type of aggregate type=id`)
    .option(...address)
    .action((aggregateId: string, _options, command: Command) => ask(command, ownershipTask(command, aggregateId)));
}

function ownershipTask(command: Command, aggregateId: string | undefined): AdminTask {
  const { address } = command.optsWithGlobals<{ address?: string }>();
  return {
    name: NAME,
    request: { kind: aggregateId === undefined ? 'ownership' : 'which', aggregateId, address },
    async run({ say }) {
      const client = new OwnershipServiceClient(address ?? readOwnershipAddress(), credentials.createInsecure());
      const options = { deadline: Date.now() + TIMEOUT_MS };
      try {
        if (aggregateId === undefined) {
          const ownership = await answerOf<GetOwnershipResponse>((done) =>
            client.getOwnership({}, new Metadata(), options, done),
          );
          say(tableOf(ownership));
          return { code: 0, data: GetOwnershipResponse.toJSON(ownership) };
        }
        const which = await answerOf<WhichResponse>((done) =>
          client.which({ threadId: aggregateId }, new Metadata(), options, done),
        );
        const { partition, owner } = which;
        say(
          `partition ${partition?.number ?? ''}, owner ${owner?.id ?? ''} at ${owner?.address ?? ''}, standby ${partition?.standby || 'none'}`,
        );
        return { code: 0, data: WhichResponse.toJSON(which) };
      } finally {
        client.close();
      }
    },
  };
}

function answerOf<Answer>(call: (done: (error: ServiceError | null, answer: Answer) => void) => unknown) {
  return new Promise<Answer>((resolve, reject) => {
    call((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

/** Runs of numbers, such as 0-3,7. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function tableOf(ownership: GetOwnershipResponse): string {
  const { members, partitions, self, current, moves, aggregatesInMemory } = ownership;
  const numbersOf = (isTheirs: (partition: GetOwnershipResponse['partitions'][number]) => boolean): string =>
    rangesOf(partitions.filter(isTheirs).map(({ number }) => number));
  const rows = [
    ['MEMBER', 'ADDRESS', 'SINCE', 'OWNS', 'PARTITIONS', 'STANDBY FOR'],
    ...members.map(({ id, address, startTime, ownedPartitions }) => [
      id === self ? `${id} *` : id,
      address,
      startTime?.toISOString() ?? '',
      String(ownedPartitions),
      numbersOf(({ owner }) => owner === id),
      numbersOf(({ standby }) => standby === id),
    ]),
  ];
  const state = current ? '' : '; it may have been taken for dead';
  const footer = `* answers: ${moves} partitions moved since it started, ${aggregatesInMemory} aggregates in its memory${state}`;
  return [...alignedLines(rows, 6), '', footer].join('\n');
}
