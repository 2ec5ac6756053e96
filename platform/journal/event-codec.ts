import { Fault, toError } from '../kernel/fault.js';
import type { RecordedEvent } from './journal.js';

/** How one type of event is written and read. `Body` is the decoded protobuf message of the current schema version. */
export interface EventFormat<Event> {
  /** The schema version that is written now. */
  readonly schemaVersion: number;
  encode(event: Event): Uint8Array;
  decode(data: Uint8Array): Event;
  /**
   * For each older schema version, the step to the next one: data of version `n` in, data of version `n + 1` out.
   * @default none: there is no older version
   */
  readonly upcasters?: Readonly<Record<number, (data: Uint8Array) => Uint8Array>>;
}

/** A format for each type of a closed union of events. */
export type EventFormats<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]: EventFormat<Extract<Event, { readonly type: Type }>>;
};

/** Translates between a context's events and what the journal stores. */
export class EventCodec<Event extends { readonly type: string }> {
  readonly #formats: ReadonlyMap<string, EventFormat<Event>>;

  constructor(formats: EventFormats<Event>) {
    this.#formats = new Map(Object.entries(formats) as [string, EventFormat<Event>][]);
  }

  /** Whether it is one of these events; a feed may carry others. */
  knows(type: string): boolean {
    return this.#formats.has(type);
  }

  encode(event: Event): RecordedEvent {
    const format = this.#formatOf(event.type);
    return { type: event.type, schemaVersion: format.schemaVersion, data: format.encode(event) };
  }

  /**
   * The event in today's form, whatever schema version it was written in.
   * @throws Fault kind `data-loss` when its type or version is unknown, or its data are damaged
   */
  decode(recorded: RecordedEvent): Event {
    const format = this.#formatOf(recorded.type);
    let { data } = recorded;
    for (let version = recorded.schemaVersion; version !== format.schemaVersion; version += 1) {
      const upcast = format.upcasters?.[version];
      if (upcast === undefined || version > format.schemaVersion) {
        throw unreadable(`${recorded.type} has schema version ${recorded.schemaVersion}, which is unknown here`);
      }
      data = upcast(data);
    }
    try {
      return format.decode(data);
    } catch (error) {
      throw unreadable(`${recorded.type} is damaged: ${toError(error).message}`, error);
    }
  }

  #formatOf(type: string): EventFormat<Event> {
    const format = this.#formats.get(type);
    if (format === undefined) throw unreadable(`${JSON.stringify(type)} is no known type of event`);
    return format;
  }
}

function unreadable(message: string, cause?: unknown): Fault {
  return new Fault('data-loss', 'UNREADABLE_EVENT', message, { cause });
}
