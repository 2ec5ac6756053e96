import { availableParallelism } from 'node:os';
import { Command, CommanderError } from 'commander';
import { type Assertion, parseAssertions } from './assertions.js';
import { type LoadOptions, protocols, type WeightedScenario } from './engine/load-options.js';
import { LONGEST_MS, parseCount, parseDuration, parseRate } from './quantities.js';
import { placeInBucket } from './report/place-in-bucket.js';
import { requestsOf, scenarioNames } from './scenarios/scenario-names.js';
import { UsageError } from './usage-error.js';

/** What `npm run load -- …` asks for. */
export interface CommandLine {
  readonly load: LoadOptions;
  readonly assertions: readonly Assertion[];
  /** Where the report goes; undefined for none. */
  readonly reportFolder: string | undefined;
  /** `s3://bucket/prefix`, or a URL that takes a PUT. */
  readonly uploadUrl: string | undefined;
  /** Of a bucket that is not Amazon's. */
  readonly s3Endpoint: string | undefined;
}

const LONGEST_TIMEOUT_MS = 3_600_000;

/** So many users, or requests a second, keep a processor busy at most. */
const USERS_OF_WORKER = 250;
const RATE_OF_WORKER = 250;

type Read = (option: string, text: string) => unknown;
const count =
  (minimum: number, maximum: number): Read =>
  (option, text) =>
    parseCount(option, text, minimum, maximum);
const plain: Read = (_option, text) => text;

/** Name, form, what it is, how it is read, and its default as one would write it (in brackets: what a run makes of none). */
const options: readonly [name: string, form: string, about: string, read: Read, byDefault: string][] = [
  ['--scenario', 'names', 'thread, chat, hot, replay; several with weights: thread=3,chat=1', parseScenarios, 'thread'],
  ['--protocol', 'name', protocols.join(' or '), (option, text) => oneOf(option, text, protocols), 'rest'],
  ['--target', 'url', 'the edge', parseTarget, 'http://localhost:8080'],
  [
    '--users',
    'n',
    'users at the same time; with --rate the most rounds at once',
    count(1, 100_000),
    '(10; with --rate 1000)',
  ],
  ['--ramp', 'duration', 'over which they come', parseDuration, '10s'],
  ['--hold', 'duration', 'how long all of them then stay', parseDuration, '60s'],
  ['--pause', 'duration', "between a user's steps", parseDuration, '3s'],
  ['--rate', 'rate', 'rounds that begin (50/s), whether or not earlier ones are over', parseRate, '(users loop)'],
  ['--timeout', 'duration', "a request's deadline, with its repeats", parseDuration, '10s'],
  [
    '--workers',
    'n',
    'processes',
    count(1, 256),
    `(one for ${USERS_OF_WORKER} users or ${RATE_OF_WORKER} rounds a second)`,
  ],
  ['--seed', 'n', 'repeats random choices', count(0, 2 ** 32 - 1), '(random)'],
  ['--report', 'folder', 'for report.html and report.json; none for none', plain, '(load-report/TIME)'],
  ['--upload', 'url', 'puts it there too: s3://bucket/prefix, or a URL that takes a PUT', parseUpload, '(nowhere)'],
  ['--s3-endpoint', 'url', "of a bucket that is not Amazon's", parseUrl, '(Amazon)'],
  ['--room-size', 'n', 'chat: members of a room', count(1, 1_000), '5'],
  ['--quiet-threads', 'n', "hot: threads beside the celebrity's", count(1, 1_000_000), '1000'],
  ['--hot-share', 'percent', "hot: the celebrity's share", parsePercent, '80%'],
  ['--cold-threads', 'n', 'replay: threads', count(1, 1_000_000), '500'],
  ['--cold-messages', 'n', 'replay: messages in each', count(0, 4_000), '50'],
  ['--cool-down', 'duration', "replay: until a thread has left its owner's memory", parseDuration, '65s'],
];

function newCommand(): Command {
  const command = new Command('npm run load --');
  command.description('Load on the mesh, as its users make it, and a report of what they saw.');
  for (const [name, form, about, read, byDefault] of options) {
    const initial = byDefault.startsWith('(') ? undefined : read(name, byDefault);
    command.option(`${name} <${form}>`, `${about}. Default ${byDefault}`, (text) => read(name, text), initial);
  }
  const assertion =
    "'p99<200ms,errors<0.1%,create.p95<50ms,throughput>100/s'; metrics: p50 p90 p95 p99 p99.9 max mean errors throughput";
  command
    .option('--retry', 'repeat what was unavailable until its deadline, with the same request id', false)
    .option('--assert <list>', assertion, (text, before: Assertion[]) => [...before, ...parseAssertions(text)], [])
    // Defaults are told in the units in which they are given.
    .configureHelp({ optionDescription: ({ description }) => description })
    .configureOutput({ writeErr: () => undefined })
    .addHelpText('after', exitCodes)
    .exitOverride();
  return command;
}

const exitCodes = `
Exit code 0: every assertion holds; 1: one does not, nothing succeeded, a worker died, or the report is not where it should be;
2: an option cannot be meant, or nothing listens at --target; 130, 143: ended by a signal, with the report of what was measured.
All of it: docs/load.md`;

interface Values
  extends Pick<LoadOptions, 'target' | 'protocol'>, Omit<LoadOptions['shape'], 'hotPercent' | 'coolDownMs'> {
  readonly scenario: LoadOptions['scenarios'];
  readonly users?: number;
  readonly rate?: number;
  readonly workers?: number;
  readonly seed?: number;
  readonly retry: boolean;
  readonly ramp: number;
  readonly hold: number;
  readonly pause: number;
  readonly timeout: number;
  readonly hotShare: number;
  readonly coolDown: number;
  readonly assert: readonly Assertion[];
  readonly report?: string;
  readonly upload?: string;
  readonly s3Endpoint?: string;
}

/**
 * Reads the arguments.
 * @param now names the folder of the report
 * @returns undefined when help was asked for, and has been shown
 * @throws UsageError naming an option that does not exist, or whose value cannot be meant
 */
export function readCommandLine(args: readonly string[], now = new Date()): CommandLine | undefined {
  const command = newCommand();
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new UsageError(error.message);
  }
  const values = command.opts<Values>();
  const { rate, users = rate === undefined ? 10 : 1_000 } = values;
  const wanted = Math.ceil(rate === undefined ? users / USERS_OF_WORKER : rate / RATE_OF_WORKER);
  const { workers = Math.max(1, Math.min(availableParallelism(), wanted)) } = values;
  const { report: folder = `load-report/${now.toISOString().replaceAll(':', '').slice(0, 17)}Z` } = values;
  const load: LoadOptions = {
    ...{ target: values.target, protocol: values.protocol, scenarios: values.scenario, users, rate },
    ...{ rampMs: values.ramp, holdMs: values.hold, pauseMs: values.pause, timeoutMs: values.timeout },
    isRetrying: values.retry,
    workers: Math.min(workers, users),
    seed: values.seed ?? Math.floor(Math.random() * 2 ** 31),
    shape: {
      ...{ roomSize: values.roomSize, quietThreads: values.quietThreads, hotPercent: values.hotShare },
      ...{ coldThreads: values.coldThreads, coldMessages: values.coldMessages, coolDownMs: values.coolDown },
    },
  };
  checkTimes(load);
  checkRequests(values.assert, load);
  if (folder.trim() === '') throw new UsageError('--report is "", must be a folder, or none.');
  if (values.s3Endpoint !== undefined && values.upload?.startsWith('s3://') !== true) {
    throw new UsageError('--s3-endpoint says where a bucket is: it needs --upload s3://bucket/prefix.');
  }
  return {
    load,
    assertions: values.assert,
    reportFolder: folder === 'none' ? undefined : folder,
    uploadUrl: values.upload,
    s3Endpoint: values.s3Endpoint,
  };
}

function checkTimes({ rampMs, holdMs, timeoutMs }: LoadOptions): void {
  if (timeoutMs === 0) throw new UsageError('--timeout must be above 0.');
  if (timeoutMs > LONGEST_TIMEOUT_MS)
    throw new UsageError('--timeout must be at most 1h: no longer latency is measured.');
  if (rampMs + holdMs === 0) throw new UsageError('--ramp and --hold are both 0: nothing would run.');
  if (rampMs + holdMs > LONGEST_MS) throw new UsageError('--ramp and --hold must be at most 24 days together.');
}

/** An assertion of a request that nobody makes would only be found out at the end. */
function checkRequests(assertions: readonly Assertion[], { scenarios, rate }: LoadOptions): void {
  const names = scenarios.flatMap(({ name }) => requestsOf[name]).concat(rate === undefined ? [] : ['begin']);
  for (const { text, request } of assertions) {
    if (request !== undefined && !names.includes(request)) {
      const there = [...new Set(names)].join(', ');
      throw new UsageError(`--assert has "${text}", but --scenario has no request ${request}, only ${there}.`);
    }
  }
}

function oneOf<const Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${option} is "${text}", must be one of ${choices.join(', ')}.`);
  return found;
}

/** `thread` or `thread,chat` or, with weights, `thread=3,chat=1`. */
function parseScenarios(option: string, text: string): WeightedScenario[] {
  const scenarios = text.split(',').map((each) => {
    const [name = '', weight = '1', ...rest] = each.trim().split('=');
    if (rest.length > 0) throw new UsageError(`${option} has "${each}", must be a name, or a name=weight.`);
    return {
      name: oneOf(option, name, scenarioNames),
      weight: parseCount(`the weight of ${name} in ${option}`, weight, 1, 1_000),
    };
  });
  if (new Set(scenarios.map(({ name }) => name)).size < scenarios.length) {
    throw new UsageError(`${option} is "${text}", must name each scenario once.`);
  }
  return scenarios;
}

function parsePercent(option: string, text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)%?$/.exec(text) ?? [];
  const percent = Number(number);
  if (!(percent >= 0 && percent <= 100)) throw new UsageError(`${option} is "${text}", must be from 0% to 100%.`);
  return percent;
}

function parseUrl(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${option} is "${text}", must be a URL that begins with http:// or https://.`);
  }
  return text;
}

function parseTarget(option: string, text: string): string {
  const { origin, pathname, search, hash, username, password } = new URL(parseUrl(option, text));
  if (username !== '' || password !== '') {
    throw new UsageError(`--target has a user, which the mesh does not ask for: ${origin} is enough.`);
  }
  if (pathname !== '/' || search !== '' || hash !== '') {
    throw new UsageError(`--target is "${text}", must be the edge alone, without a path: ${origin}.`);
  }
  return origin;
}

function parseUpload(option: string, text: string): string {
  if (!text.startsWith('s3:')) return parseUrl(option, text);
  if (placeInBucket(text) === undefined) {
    throw new UsageError(`--upload is "${text}", must be s3://bucket or s3://bucket/prefix.`);
  }
  return text;
}
