import { plainIdOf } from '../../../platform/journal/aggregate-id.js';
import type { LogEntry } from './log-entry.js';

/** What is looked for. With none of them every line is meant. */
export interface Wanted {
  readonly request?: string | undefined;
  readonly trace?: string | undefined;
  readonly thread?: string | undefined;
  readonly account?: string | undefined;
}

/** So many requests are remembered at most. */
const MAX_REQUESTS = 100_000;
const REQUEST_FIELD = /"request_id":("(?:[^"\\]|\\["\\])*")/;

/**
 * Finds the lines of a request, a trace, a thread or an account. Whose lines name only the request, such as Envoy's, are
 * found by those that also name what is looked for: `learn` from all lines first, or from each as it comes.
 */
export class LogSearch {
  readonly #requests = new Set<string>();
  readonly #wanted: readonly [keyof Wanted, string][];

  constructor(wanted: Wanted) {
    this.#wanted = (Object.entries(wanted) as [keyof Wanted, string | undefined][]).flatMap(([kind, id]) =>
      id === undefined ? [] : [[kind, id]],
    );
    if (wanted.request !== undefined) this.#requests.add(wanted.request);
  }

  /** Whether a line can name what is looked for; cheap. */
  mayName(text: string): boolean {
    return this.#wanted.every(([, id]) => text.includes(id));
  }

  /** Whether a line can concern it; cheap. */
  mayConcern(text: string): boolean {
    if (this.mayName(text)) return true;
    const [, request] = REQUEST_FIELD.exec(text) ?? [];
    return request !== undefined && this.#requests.has(JSON.parse(request) as string);
  }

  /** Remembers the request of a line that names all that is looked for. */
  learn(entry: LogEntry): void {
    const request = entry.fields?.request_id;
    if (typeof request !== 'string' || this.#requests.size >= MAX_REQUESTS) return;
    if (this.#names(entry)) this.#requests.add(request);
  }

  concerns(entry: LogEntry): boolean {
    const request = entry.fields?.request_id;
    return this.#names(entry) || (typeof request === 'string' && this.#requests.has(request));
  }

  #names({ fields, text }: LogEntry): boolean {
    return this.#wanted.every(([kind, id]) => (fields === undefined ? text.includes(id) : named[kind](fields, id)));
  }
}

const named: Readonly<Record<keyof Wanted, (fields: Readonly<Record<string, unknown>>, id: string) => boolean>> = {
  request: (fields, id) => fields.request_id === id,
  trace: (fields, id) => fields.trace_id === id || textOf(fields.traceparent).includes(id),
  thread: (fields, id) =>
    (typeof fields.thread_id === 'string' && plainIdOf(fields.thread_id) === id) ||
    textOf(fields.path).split(/[/?:]/).includes(id),
  account: (fields, id) => fields.account_id === id || fields.subject === id || fields.acting_for === id,
};

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
