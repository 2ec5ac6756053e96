import { InvalidArgumentError, type Command } from 'commander';
import { ensureKeyRing, readKeyRing, rotateKeys } from '../../identity/key-ring-file.js';
import { signingKey, type KeyRing } from '../../identity/key-ring.js';
import { ACCESS_TOKEN_LIFE_MS, SERVICE_PREFIX } from '../../identity/token.js';
import { TokenSigner } from '../../identity/token-signer.js';
import type { Role } from '../../kernel/principal.js';
import { parseUlid } from '../../kernel/ulid.js';
import type { AdminTask, Ask } from '../command-line/admin-task.js';
import { readSignerSettings } from '../command-line/config.js';
import { alignedLines } from '../command-line/aligned-lines.js';

const PREFIX = 'npm run admin -- account';

/** `admin account keys …` and `admin account token`: what looks after tokens and the keys that sign them. */
export function addIdentityCommands(parent: Command, ask: Ask): void {
  const keys = parent.command('keys').description('the keys that sign tokens, in KEY_RING_FILE');
  keys
    .command('create')
    .description('make the first key; where there is a ring, it stays as it is')
    .action((_options, command: Command) => ask(command, createTask()));
  keys
    .command('list')
    .description('which there are, and from when to when each is used')
    .action((_options, command: Command) => ask(command, listTask()));
  keys
    .command('rotate')
    .description('add a key, which is published at once and signs later; the present one retires after that')
    // Istiod asks for keys every 20 minutes, which is the longest that anybody keeps them.
    .option('--publish-ahead <minutes>', 'how long it is only published: longer than anybody keeps keys', minutes, 25)
    .option('--token-life <minutes>', 'how long the longest token of the present key may still count', minutes, 60)
    .addHelpText('after', `\nExamples:\n  ${PREFIX} keys rotate\n  ${PREFIX} keys rotate --publish-ahead 2`)
    .action(({ publishAhead, tokenLife }: RotateOptions, command: Command) =>
      ask(command, rotateTask({ publishAheadMs: publishAhead * 60_000, tokenLifeMs: tokenLife * 60_000 })),
    );
  parent
    .command('token')
    .description('sign an access token, for trials and for whoever operates')
    .option('--account <id>', 'for this account, a ULID', accountId)
    .option('--service <name>', 'for a service, which may act for any account', serviceName)
    .option('--administrator', 'the account also looks after the installation')
    .option('--minutes <minutes>', 'how long it counts', tokenMinutes, ACCESS_TOKEN_LIFE_MS / 60_000)
    .addHelpText(
      'after',
      `\nExample:\n  TOKEN=$(npm run --silent admin -- account token --account 01DB5QXD4NP0XQTV92K42B3XBF)`,
    )
    .action((options: TokenOptions, command: Command) => ask(command, tokenTask(options, command)));
}

interface RotateOptions {
  readonly publishAhead: number;
  readonly tokenLife: number;
}

interface TokenOptions {
  readonly account?: string;
  readonly service?: string;
  readonly administrator?: true;
  readonly minutes: number;
}

function createTask(): AdminTask {
  return ringTask({ kind: 'create' }, async (path) => {
    await ensureKeyRing(path);
    return readKeyRing(path);
  });
}

function listTask(): AdminTask {
  return ringTask({ kind: 'keys' }, (path) => Promise.resolve(readKeyRing(path)));
}

function rotateTask(options: { readonly publishAheadMs: number; readonly tokenLifeMs: number }): AdminTask {
  return ringTask({ kind: 'rotate', ...options }, (path) => rotateKeys(path, options));
}

/** A task that shows the ring as it then is. */
function ringTask(request: object, ringIn: (path: string) => Promise<KeyRing>): AdminTask {
  return {
    name: 'keys',
    request,
    async run({ say }) {
      const ring = await ringIn(readSignerSettings().keyRingFile);
      say(tableOf(ring));
      return { code: 0, data: dataOf(ring) };
    },
  };
}

function tokenTask({ account, service, administrator, minutes: life }: TokenOptions, command: Command): AdminTask {
  const isOne = (account === undefined) !== (service === undefined);
  if (!isOne || (service !== undefined && administrator)) {
    command.error('error: a token is for an --account, which may be an --administrator, or for a --service');
  }
  const subject = account ?? `${SERVICE_PREFIX}${service}`;
  const roles: Role[] = service !== undefined ? ['service'] : administrator ? ['administrator'] : [];
  return {
    name: 'token',
    request: { kind: 'token', subject, roles, minutes: life },
    async run({ say }) {
      const { keyRingFile, tokenIssuer } = readSignerSettings();
      const ring = readKeyRing(keyRingFile);
      const signer = new TokenSigner({ keys: () => ring, issuer: tokenIssuer });
      const token = await signer.sign({ subject, roles, lifeMs: life * 60_000 });
      say(token);
      return { code: 0, data: { token, subject, roles } };
    },
  };
}

function dataOf(ring: KeyRing): object {
  return ring.keys.map(({ jwk: _, ...key }) => key);
}

function tableOf(ring: KeyRing): string {
  const now = Date.now();
  const { id: signing } = signingKey(ring, now);
  const timeOf = (time: number | undefined): string => (time === undefined ? '' : new Date(time).toISOString());
  const stateOf = (key: KeyRing['keys'][number]): string => {
    if (key.id === signing) return 'signs';
    if ((key.retireAfter ?? Infinity) <= now) return 'retired';
    return key.signFrom > now ? 'published' : 'checks only';
  };
  const rows = ring.keys.map((key) => [
    ...[key.id, stateOf(key), timeOf(key.publishFrom), timeOf(key.signFrom), timeOf(key.retireAfter)],
  ]);
  return alignedLines([['KEY', 'STATE', 'PUBLISHED FROM', 'SIGNS FROM', 'RETIRES'], ...rows], 5).join('\n');
}

/** Up to a year. */
function minutes(text: string): number {
  const number = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
  if (number > 0 && number <= 525_600) return number;
  throw new InvalidArgumentError('that is no number of minutes above 0');
}

function tokenMinutes(text: string): number {
  const most = ACCESS_TOKEN_LIFE_MS / 60_000;
  const number = minutes(text);
  if (number <= most) return number;
  throw new InvalidArgumentError(`no token can be called back, so none counts for more than ${most} minutes`);
}

function accountId(text: string): string {
  const id = parseUlid(text);
  if (id.ok) return id.value;
  throw new InvalidArgumentError('that is no ULID');
}

function serviceName(text: string): string {
  if (/^[a-z][a-z-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('that is no name of a service');
}
