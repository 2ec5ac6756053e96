import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { CommandBusListener, RoutedAnswer, RoutedCommand } from '../commands/command-bus.js';
import { sharedNatsUrl, startNatsServer } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { JetStreamCommandBus } from './jetstream-command-bus.js';
import { NatsLink } from './nats-link.js';

const logger = createLogger('test', 'silent');
const trace = { requestId: 'r', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

function commandOf(commandId: string, deadlineMs = 60_000): RoutedCommand {
  const base = { aggregateId: 'A', commandId, fingerprint: 'f', commandType: 'Add', startsAggregate: false, trace };
  return { ...base, command: Buffer.from([1, 2, 3]), deadline: Date.now() + deadlineMs };
}

/** One instance on the bus: answers with its name as the rejection, and collects answers. */
class Instance implements CommandBusListener {
  readonly commands: RoutedCommand[] = [];
  readonly answers = new Map<string, RoutedAnswer>();
  readonly #waiting = new Set<() => void>();
  /** What becomes of the next commands. */
  handle: () => Promise<RoutedAnswer | undefined> = async () => ({
    kind: 'rejected',
    rejection: Buffer.from(this.name),
  });

  constructor(
    readonly name: string,
    readonly link: NatsLink,
    readonly bus: JetStreamCommandBus,
  ) {}

  onAnswer(correlation: string, answer: RoutedAnswer): void {
    this.answers.set(correlation, answer);
    for (const look of this.#waiting) look();
  }

  /** How often it was told that what was sent may be lost. */
  returns = 0;

  onReturn(): void {
    this.returns += 1;
  }

  async onCommand(command: RoutedCommand): Promise<RoutedAnswer | undefined> {
    this.commands.push(command);
    for (const look of this.#waiting) look();
    return this.handle();
  }

  async until(isSo: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Who has answered. */
  async answerTo(correlation: string): Promise<string> {
    await this.until(() => this.answers.has(correlation));
    const answer = this.answers.get(correlation);
    return answer?.kind === 'rejected' ? Buffer.from(answer.rejection).toString() : JSON.stringify(answer);
  }
}

describe('JetStreamCommandBus', function () {
  this.timeout(60_000);
  let instances: Instance[];
  let prefix: string;

  async function open(name: string, options: { natsUrl?: string; maxBytes?: number } = {}): Promise<Instance> {
    const { natsUrl: url = await sharedNatsUrl(), maxBytes } = options;
    const link = await NatsLink.open({ url, name, logger, requestTimeoutMs: 1_000 });
    const instance = new Instance(name, link, new JetStreamCommandBus(link, { prefix, logger, maxBytes }));
    await instance.bus.open(instance);
    instances.push(instance);
    return instance;
  }

  beforeEach(() => {
    instances = [];
    prefix = `B${ulid().slice(-10)}`;
  });
  afterEach(async () => {
    for (const { bus, link } of instances) {
      if (!link.connection.isClosed()) await bus.close();
      await link.close();
    }
  });

  it('brings a command, whole, to who serves its partition, and every kind of answer back', async () => {
    const [caller, owner] = [await open('caller'), await open('owner')];
    await owner.bus.serve(new Set([3]));
    const answers: RoutedAnswer[] = [
      {
        kind: 'committed',
        version: 7,
        events: [{ type: 'Added', schemaVersion: 1, data: Buffer.from([9]) }],
        repeated: true,
      },
      { kind: 'rejected', rejection: Buffer.from([1, 2]) },
      { kind: 'failed', fault: 'data-loss', reason: 'HISTORY_GAP', message: 'a gap' },
    ];
    for (const [index, answer] of answers.entries()) {
      owner.handle = async () => answer;
      const command = commandOf(`c${index}`);
      await caller.bus.send(3, `x${index}`, command);
      await caller.until(() => caller.answers.has(`x${index}`));
      assert.deepEqual(caller.answers.get(`x${index}`), answer);
      // Its time left begins anew where it is read.
      assert.deepEqual({ ...owner.commands.at(-1), deadline: command.deadline }, command);
    }
  });

  it('keeps a command until somebody serves its partition, but not past its deadline', async () => {
    const caller = await open('caller');
    await caller.bus.send(1, 'late', commandOf('late', 0));
    await caller.bus.send(1, 'short', commandOf('short', 500));
    await caller.bus.send(1, 'kept', commandOf('kept'));
    // NATS drops it by its own clock, whatever those of the instances say.
    const waiting = async (): Promise<number> =>
      (await caller.link.manager.streams.info(`${prefix}_COMMANDS`)).state.messages;
    while ((await waiting()) > 1) await delay(50);
    const owner = await open('owner');
    await owner.bus.serve(new Set([1]));
    assert.equal(await caller.answerTo('kept'), 'owner');
    assert.deepEqual(
      owner.commands.map(({ commandId }) => commandId),
      ['kept'],
    );
  });

  it('hands a partition over and answers what was taken before', async () => {
    const [caller, first, second] = [await open('caller'), await open('first'), await open('second')];
    let finish: () => void = () => assert.fail();
    first.handle = () =>
      new Promise((resolve) => (finish = () => resolve({ kind: 'rejected', rejection: Buffer.from('first') })));
    await first.bus.serve(new Set([2]));
    await caller.bus.send(2, 'begun', commandOf('begun'));
    await first.until(() => first.commands.length === 1);
    const closing = first.bus.serve(new Set());
    await second.bus.serve(new Set([2]));
    finish();
    await closing;
    await caller.bus.send(2, 'next', commandOf('next'));
    assert.equal(await caller.answerTo('next'), 'second');
    assert.equal(await caller.answerTo('begun'), 'first');
    assert.deepEqual(
      second.commands.map(({ commandId }) => commandId),
      ['next'],
      'what was answered is not given out again',
    );
  });

  it('gives what a member has taken and not answered to the next one, when it is gone', async () => {
    const [caller, first, second] = [await open('caller'), await open('first'), await open('second')];
    first.handle = () => new Promise(() => undefined);
    await first.bus.serve(new Set([5]));
    await caller.bus.send(5, 'x', commandOf('taken'));
    await first.until(() => first.commands.length === 1);
    await second.bus.serve(new Set([5]));
    // As after kill -9.
    await first.link.close();
    assert.equal(await caller.answerTo('x'), 'second');
  });

  it('gives commands to one member only, while two believe that the partition is theirs', async () => {
    const [caller, first, second] = [await open('caller'), await open('first'), await open('second')];
    await first.bus.serve(new Set([4]));
    await caller.bus.send(4, 'first', commandOf('first'));
    assert.equal(await caller.answerTo('first'), 'first');
    await second.bus.serve(new Set([4]));
    // The later one takes the pin, and keeps it; on a busy machine the first may have it once more in between.
    let sent = 0;
    const send = async (): Promise<void> => {
      const correlation = String((sent += 1));
      await caller.bus.send(4, correlation, commandOf(correlation));
      await caller.answerTo(correlation);
    };
    let inARow = 0;
    while (inARow < 20 && sent < 2_000) {
      const before = second.commands.length;
      await send();
      inARow = second.commands.length > before ? inARow + 1 : 0;
    }
    assert.equal(inARow, 20);
    assert.equal(first.commands.length + second.commands.length, 1 + sent);
  });

  it('says that it is full when it is, and takes commands again when there is room', async () => {
    const [caller, owner] = [await open('caller', { maxBytes: 2_000 }), await open('owner')];
    let taken = 0;
    const fill = async (): Promise<void> => {
      for (; taken < 1_000; taken += 1) await caller.bus.send(6, `${taken}`, commandOf(`${taken}`));
    };
    await assert.rejects(fill, { kind: 'exhausted', reason: 'COMMAND_BUS_FULL' });
    assert.ok(taken > 0 && taken < 1_000, `${taken}`);
    await owner.bus.serve(new Set([6]));
    for (let index = 0; index < taken; index += 1) assert.equal(await caller.answerTo(`${index}`), 'owner');
    await caller.bus.send(6, 'after', commandOf('after'));
    assert.equal(await caller.answerTo('after'), 'owner');
    await caller.link.manager.streams.delete(`${prefix}_COMMANDS`);
    await caller.bus.send(6, 'made anew', commandOf('made anew'));
  });

  it('goes on after a restart of NATS', async () => {
    const nats = await startNatsServer();
    try {
      const [caller, owner] = [await open('caller', { natsUrl: nats.url }), await open('owner', { natsUrl: nats.url })];
      await owner.bus.serve(new Set([0, 1]));
      await caller.bus.send(1, 'before', commandOf('before'));
      await caller.answerTo('before');
      const back = new Promise<void>((resolve) => caller.link.onStatus((connected) => connected && resolve()));
      await nats.kill('SIGKILL');
      await nats.restart();
      await back;
      assert.equal(caller.returns, 1);
      await caller.bus.send(1, 'after', commandOf('after'));
      assert.equal(await caller.answerTo('after'), 'owner');
    } finally {
      for (const { link } of instances) await link.close();
      await nats.stop();
    }
  });
});
