import assert from 'node:assert/strict';
import { type CommandLine, readCommandLine as read } from './command-line.js';
import { UsageError } from './usage-error.js';

const readCommandLine = (...given: Parameters<typeof read>): CommandLine => read(...given) ?? assert.fail('help');

describe('The command line of the load', () => {
  it('has defaults for everything', () => {
    const { load, reportFolder, assertions, uploadUrl } = readCommandLine([], new Date('2026-11-21T18:30:05Z'));
    assert.equal(load.target, 'http://localhost:8080');
    assert.deepEqual([load.users, load.rampMs, load.holdMs, load.pauseMs], [10, 10_000, 60_000, 3_000]);
    assert.deepEqual(load.scenarios, [{ name: 'thread', weight: 1 }]);
    assert.equal(reportFolder, 'load-report/2026-11-21T183005Z');
    assert.deepEqual([assertions, uploadUrl], [[], undefined]);
  });

  it('reads units, weights and assertions', () => {
    const { load, assertions } = readCommandLine([
      ...['--ramp', '1.5m', '--hold', '250ms', '--pause', '0', '--rate', '600/m', '--workers', '3'],
      ...['--scenario', 'thread=3,chat', '--hot-share', '75%'],
      ...['--assert', 'p99.9<1s,errors<0.1%', '--assert', 'post.p95<=5ms'],
    ]);
    assert.deepEqual([load.rampMs, load.holdMs, load.pauseMs, load.rate, load.workers], [90_000, 250, 0, 10, 3]);
    assert.deepEqual(load.scenarios, [
      { name: 'thread', weight: 3 },
      { name: 'chat', weight: 1 },
    ]);
    assert.equal(load.shape.hotPercent, 75);
    assert.deepEqual(
      assertions.map(({ request, metric, comparison, bound }) => [request, metric, comparison, bound]),
      [
        [undefined, 'p99.9', '<', 1_000],
        [undefined, 'errors', '<', 0.1],
        ['post', 'p95', '<=', 5],
      ],
    );
  });

  it('knows which requests a run has', () => {
    const asserted = ['--assert', 'begin.errors<1,watch.p99<1s,post-cold.p99<1s'];
    assert.equal(readCommandLine(['--rate=5/s', '--scenario=chat,replay', ...asserted]).assertions.length, 3);
  });

  const wrong: [option: RegExp, ...args: string[]][] = [
    [/--users is "0"/, '--users', '0'],
    [/--users is "ten"/, '--users=ten'],
    [/--ramp is "10".*unit/, '--ramp', '10'],
    [/--hold is "-1s"/, '--hold=-1s'],
    [/nothing would run/, '--ramp=0', '--hold=0'],
    [/--pause is "9999h".*24 days/, '--pause=9999h'],
    [/--protocol is "soap".*rest, grpc/, '--protocol=soap'],
    [/--scenario is "party"/, '--scenario=party'],
    [/weight of chat/, '--scenario=chat=0'],
    [/each scenario once/, '--scenario=chat,chat'],
    [/--target is "localhost:8080"/, '--target=localhost:8080'],
    [/--target.*without a path/, '--target=http://localhost:8080/v1'],
    [/--rate is "0\/s"/, '--rate=0/s'],
    [/--rate is "5\/d"/, '--rate=5/d'],
    [/--timeout must be above 0/, '--timeout=0'],
    [/--upload is "ftp:/, '--upload=ftp://host/x'],
    [/--upload is "s3:\/\/"/, '--upload=s3://'],
    [/--assert has "p98<1s"/, '--assert=p98<1s'],
    [/bound of "p99<200"/, '--assert=p99<200'],
    [/whose bound must be percent/, '--assert=errors<2ms'],
    [/--assert has ""/, '--assert='],
    [/--hot-share is "101%"/, '--hot-share=101%'],
    [/--assert has "crate\.p99<1s".*only create, get/, '--assert=crate.p99<1s'],
    [/--assert has "begin\.errors<1"/, '--assert=begin.errors<1'],
    [/--assert has "p100<1ms".*metrics: p50/, '--assert=p100<1ms'],
    [/bound of "p99<abc" in --assert is "abc"/, '--assert=p99<abc'],
    [/--ramp is "-1"/, '--ramp', '-1'],
    [/--hold is "foo"/, '--hold', 'foo'],
    [/--workers is "0"/, '--workers', '0'],
    [/--ramp and --hold must be at most 24 days/, '--ramp=500h', '--hold=500h'],
    [/--timeout must be at most 1h/, '--timeout=61m'],
    [/--target has a user/, '--target=http://me:secret@localhost'],
    [/--report is ""/, '--report='],
    [/--s3-endpoint.*needs --upload s3/, '--s3-endpoint=http://localhost:9000'],
    [/--upload is "s3:\/\/Reports\/x"/, '--upload=s3://Reports/x'],
    [/--usres/, '--usres=3'],
    [/too many arguments/, 'thread'],
  ];
  for (const [message, ...args] of wrong) {
    it(`says what is wrong with ${args.join(' ')}`, () => {
      assert.throws(
        () => readCommandLine(args),
        (error: Error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
