import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Assertion, parseAssertions } from './assertions.js';
import { defaultLoadOptions, type LoadOptions, protocols, type WeightedScenario } from './engine/load-options.js';
import { LONGEST_MS, parseCount, parseDuration, parseRate } from './quantities.js';
import { placeInBucket } from './report/place-in-bucket.js';
import { requestsOf, scenarioNames } from './scenarios/scenario-names.js';
import { UsageError } from './usage-error.js';

/** What `npm run load -- …` asks for. */
export interface CommandLine {
  readonly isHelp: boolean;
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

const texts = {
  users: { type: 'string' },
  ramp: { type: 'string', default: '10s' },
  hold: { type: 'string', default: '60s' },
  pause: { type: 'string', default: '3s' },
  rate: { type: 'string' },
  protocol: { type: 'string', default: defaultLoadOptions.protocol },
  scenario: { type: 'string', default: 'thread' },
  target: { type: 'string', default: defaultLoadOptions.target },
  timeout: { type: 'string', default: '10s' },
  retry: { type: 'boolean', default: false },
  workers: { type: 'string' },
  seed: { type: 'string' },
  report: { type: 'string' },
  upload: { type: 'string' },
  's3-endpoint': { type: 'string' },
  assert: { type: 'string', multiple: true, default: [] as string[] },
  'room-size': { type: 'string', default: '5' },
  'quiet-threads': { type: 'string', default: '1000' },
  'hot-share': { type: 'string', default: '80%' },
  'cold-threads': { type: 'string', default: '500' },
  'cold-messages': { type: 'string', default: '50' },
  'cool-down': { type: 'string', default: '65s' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the arguments.
 * @param now names the folder of the report
 * @throws UsageError naming an option that does not exist, or whose value cannot be meant
 */
export function readCommandLine(args: readonly string[], now = new Date()): CommandLine {
  const values = parsed(args);
  const rate = values.rate === undefined ? undefined : parseRate('--rate', values.rate);
  const mostUsers = rate === undefined ? String(defaultLoadOptions.users) : '1000';
  const users = parseCount('--users', values.users ?? mostUsers, 1, 100_000);
  const wanted = Math.ceil(rate === undefined ? users / USERS_OF_WORKER : rate / RATE_OF_WORKER);
  const workers = values.workers ?? String(Math.max(1, Math.min(availableParallelism(), wanted)));
  const load: LoadOptions = {
    target: parseTarget(values.target),
    protocol: oneOf('--protocol', values.protocol, protocols),
    scenarios: parseScenarios(values.scenario),
    users,
    rampMs: parseDuration('--ramp', values.ramp),
    holdMs: parseDuration('--hold', values.hold),
    pauseMs: parseDuration('--pause', values.pause),
    rate,
    timeoutMs: parseDuration('--timeout', values.timeout),
    isRetrying: values.retry,
    workers: Math.min(parseCount('--workers', workers, 1, 256), users),
    seed: parseCount('--seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 31)), 0, 2 ** 32 - 1),
    shape: {
      roomSize: parseCount('--room-size', values['room-size'], 1, 1_000),
      quietThreads: parseCount('--quiet-threads', values['quiet-threads'], 1, 1_000_000),
      hotPercent: parsePercent('--hot-share', values['hot-share']),
      coldThreads: parseCount('--cold-threads', values['cold-threads'], 1, 1_000_000),
      coldMessages: parseCount('--cold-messages', values['cold-messages'], 0, 4_000),
      coolDownMs: parseDuration('--cool-down', values['cool-down']),
    },
  };
  checkTimes(load);
  const assertions = values.assert.flatMap(parseAssertions);
  checkRequests(assertions, load);
  const folder = values.report ?? `load-report/${now.toISOString().replaceAll(':', '').slice(0, 17)}Z`;
  if (folder.trim() === '') throw new UsageError('--report is "", must be a folder, or none.');
  const uploadUrl = values.upload === undefined ? undefined : parseUpload(values.upload);
  const endpoint = values['s3-endpoint'];
  if (endpoint !== undefined && uploadUrl?.startsWith('s3://') !== true) {
    throw new UsageError('--s3-endpoint says where a bucket is: it needs --upload s3://bucket/prefix.');
  }
  return {
    isHelp: values.help,
    load,
    assertions,
    reportFolder: folder === 'none' ? undefined : folder,
    uploadUrl,
    s3Endpoint: endpoint === undefined ? undefined : parseUrl('--s3-endpoint', endpoint),
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

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: texts }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function oneOf<const Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${option} is "${text}", must be one of ${choices.join(', ')}.`);
  return found;
}

/** `thread` or `thread,chat` or, with weights, `thread=3,chat=1`. */
function parseScenarios(text: string): WeightedScenario[] {
  const scenarios = text.split(',').map((each) => {
    const [name = '', weight = '1', ...rest] = each.trim().split('=');
    if (rest.length > 0) throw new UsageError(`--scenario has "${each}", must be a name, or a name=weight.`);
    return {
      name: oneOf('--scenario', name, scenarioNames),
      weight: parseCount(`the weight of ${name} in --scenario`, weight, 1, 1_000),
    };
  });
  if (new Set(scenarios.map(({ name }) => name)).size < scenarios.length) {
    throw new UsageError(`--scenario is "${text}", must name each scenario once.`);
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

function parseTarget(text: string): string {
  const { origin, pathname, search, hash, username, password } = new URL(parseUrl('--target', text));
  if (username !== '' || password !== '') {
    throw new UsageError(`--target has a user, which the mesh does not ask for: ${origin} is enough.`);
  }
  if (pathname !== '/' || search !== '' || hash !== '') {
    throw new UsageError(`--target is "${text}", must be the edge alone, without a path: ${origin}.`);
  }
  return origin;
}

function parseUpload(text: string): string {
  if (!text.startsWith('s3:')) return parseUrl('--upload', text);
  if (placeInBucket(text) === undefined) {
    throw new UsageError(`--upload is "${text}", must be s3://bucket or s3://bucket/prefix.`);
  }
  return text;
}

/** What `--help` prints. */
export const helpText = `Load on the mesh, as its users make it, and a report of what they saw.

npm run load -- [options]

  --scenario NAMES    thread, chat, hot, replay; several with commas, with weights: thread=3,chat=1. Default thread
                        thread   a new account creates a thread, pauses, gets it
                        chat     members join rooms, watch, post, read, leave
                        hot      a celebrity's thread beside many quiet ones
                        replay   reads and posts in threads that nobody has in memory
  --protocol NAME     rest, grpc. Default rest
  --target URL        the edge. Default ${defaultLoadOptions.target}
  --users N           users at the same time. Default 10
  --ramp DURATION     over which they come. Default 10s
  --hold DURATION     how long all of them then stay. Default 60s
  --pause DURATION    between a user's steps. Default 3s
  --rate RATE         begin so many rounds a second (50/s), whether or not earlier ones are over, instead of users who
                      loop; latency counts from when a round should have begun. --users is then the most rounds at
                      once. Default 1000
  --timeout DURATION  a request's deadline. Default 10s
  --retry             repeat what was unavailable until then, with the same request id
  --workers N         processes. Default one for ${USERS_OF_WORKER} users or ${RATE_OF_WORKER} rounds a second, up to the number of processors
  --seed N            repeats random choices. Default random

  --assert LIST       for instance 'p99<200ms,errors<0.1%,create.p95<50ms,throughput>100/s'; unmet: exit code 1
                      metrics: p50 p90 p95 p99 p99.9 max mean errors throughput
  --report DIR        for report.html and report.json. Default load-report/TIME; none for none
  --upload URL        puts the report there too: s3://bucket/prefix (credentials as the AWS CLI finds them),
                      or an http(s) URL that takes a PUT, such as a presigned one (report.html only)
  --s3-endpoint URL   of an S3-compatible server that is not Amazon's

  --room-size N       chat: members of a room. Default 5
  --quiet-threads N   hot: quiet threads. Default 1000
  --hot-share PERCENT hot: share of the celebrity's thread. Default 80%
  --cold-threads N    replay: threads. Default 500
  --cold-messages N   replay: messages in each. Default 50
  --cool-down TIME    replay: a thread untouched for so long is cold. Default 65s

Durations: 250ms, 10s, 1.5m, 1h. Ctrl-C or SIGTERM ends the users and still writes the report.
Exit codes: 0 well, 1 an assertion is unmet, nothing succeeded or the run broke, 2 bad options, 130 and 143 interrupted.`;
