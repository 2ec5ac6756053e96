import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import { EventSource } from 'eventsource';
import { protoClient, type ProtoClient } from '../../platform/testing/proto-client.js';

/** One commit as a watcher is told it. */
export interface WatchedCommit {
  readonly version: string;
  readonly events: readonly {
    readonly messages_added?: { readonly messages: readonly { id: string; text: string }[] };
  }[];
}

/** Watches a thread as a careful client does: after whatever ends the stream, again from the last version plus 1. */
export class ResumingWatcher {
  /** In the order in which they came. */
  readonly commits: WatchedCommit[] = [];
  /** Why streams have ended. */
  readonly ends: ServiceError[] = [];
  readonly #client: ProtoClient;
  readonly #running: Promise<void>;
  #isStopped = false;
  #stop: () => void = () => undefined;

  constructor(
    authority: string,
    private readonly request: {
      readonly account_id: string;
      readonly thread_id: string;
      readonly from_version?: number;
    },
  ) {
    const file = 'threadweaver/thread/v1/thread_query_service.proto';
    this.#client = protoClient(file, 'threadweaver.thread.v1.ThreadQueryService', authority);
    this.#running = this.#run();
  }

  get versions(): number[] {
    return this.commits.map(({ version }) => Number(version));
  }

  /** Texts of messages, in the order in which they came. */
  get texts(): string[] {
    return this.commits.flatMap(({ events }) =>
      events.flatMap(({ messages_added: added }) => added?.messages.map(({ text }) => text) ?? []),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stop();
    await this.#running;
    this.#client.close();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#watchOnce();
      await sleep(20);
    }
  }

  #watchOnce(): Promise<void> {
    const next = (this.versions.at(-1) ?? (this.request.from_version ?? 1) - 1) + 1;
    const metadata = { 'x-thread-id': this.request.thread_id };
    const stream = this.#client.stream('WatchThread', { ...this.request, from_version: next }, { metadata });
    this.#stop = () => stream.cancel();
    return new Promise((resolve) => {
      stream.on('data', ({ commit }: { commit?: WatchedCommit }) => commit && this.commits.push(commit));
      stream.on('error', (error: ServiceError) => {
        this.ends.push(error);
        resolve();
      });
      stream.on('end', () => resolve());
    });
  }
}

/** Watches a thread as a page in a browser does: it makes an EventSource, and leaves to that what happens after an error. */
export class BrowserWatcher {
  /** Ids of the events, in the order in which they came. */
  readonly versions: number[] = [];
  readonly #source: EventSource;

  constructor(url: string) {
    this.#source = new EventSource(url);
    for (const type of ['ThreadCreated', 'MessagesAdded']) {
      this.#source.addEventListener(type, ({ lastEventId }: MessageEvent) => this.versions.push(Number(lastEventId)));
    }
  }

  /** It met what is final to browsers, and will never ask again. */
  get hasGivenUp(): boolean {
    return this.#source.readyState === EventSource.CLOSED;
  }

  stop(): void {
    this.#source.close();
  }
}

/** A frame of server-sent events. */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Reads server-sent events until the stream ends or `isEnough`. */
export async function readEvents(
  response: Response,
  isEnough: (events: readonly ServerSentEvent[]) => boolean,
): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const fields = frame.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2));
      const event = Object.fromEntries(fields.filter(([name]) => name !== '')) as ServerSentEvent;
      if (event.event !== undefined) events.push(event);
    }
    if (isEnough(events)) break;
  }
  return events;
}
