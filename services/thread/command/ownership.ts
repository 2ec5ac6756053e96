import { parseArgs } from 'node:util';
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { toError } from '../../../platform/kernel/fault.js';
import {
  OwnershipServiceClient,
  type GetOwnershipResponse,
  type WhichResponse,
} from '../../../gen/threadweaver/admin/v1/ownership_service.js';
import { readOwnershipAddress } from './config.js';

const help = `npm run ownership [-- which THREAD_ID] [--address host:port]

Shows which instance of thread-command owns which partitions, or who owns a thread.
  --address   ADMIN_HOST:ADMIN_PORT of any instance of thread-command; default 127.0.0.1:50054, the first one's under npm start
`;

function readArguments() {
  try {
    const options = {
      address: { type: 'string', default: readOwnershipAddress() },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const [command, threadId, extra] = positionals;
    if (command !== undefined && command !== 'which') throw new Error(`there is no command ${command}`);
    if (command === 'which' && threadId === undefined) throw new Error('which needs the id of a thread');
    if (extra !== undefined) throw new Error(`${extra} is one argument too many`);
    return { ...values, threadId };
  } catch (error) {
    process.stderr.write(`ownership: ${toError(error).message}\n${help}`);
    return process.exit(2);
  }
}

const { address, help: isHelpWanted, threadId } = readArguments();

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
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const state = current ? '' : '; it may have been taken for dead';
  const footer = `* answers: ${moves} partitions moved since it started, ${aggregatesInMemory} aggregates in its memory${state}`;
  return [...lines, '', footer, ''].join('\n');
}

function ask(): Promise<string> {
  const client = new OwnershipServiceClient(address, credentials.createInsecure());
  const options = { deadline: Date.now() + 5_000 };
  return new Promise<string>((resolve, reject) => {
    const finish = <Response>(tell: (response: Response) => string) => {
      return (error: ServiceError | null, response: Response) =>
        error === null ? resolve(tell(response)) : reject(error);
    };
    if (threadId === undefined) client.getOwnership({}, new Metadata(), options, finish(tableOf));
    else {
      client.which(
        { threadId },
        new Metadata(),
        options,
        finish(
          ({ partition, owner }: WhichResponse) =>
            `partition ${partition?.number ?? ''}, owner ${owner?.id ?? ''} at ${owner?.address ?? ''}, standby ${partition?.standby || 'none'}\n`,
        ),
      );
    }
  }).finally(() => client.close());
}

if (isHelpWanted) process.stdout.write(help);
else {
  try {
    process.stdout.write(await ask());
  } catch (error) {
    process.stderr.write(`ownership: ${toError(error).message}\n`);
    process.exitCode = 1;
  }
}
