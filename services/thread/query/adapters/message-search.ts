import { Fault } from '../../../../platform/kernel/fault.js';
import { isEndedByServer } from '../../../../platform/mysql/database-errors.js';
import type { Database, SqlValue } from '../../../../platform/mysql/database.js';
import type { MessageSearch } from '../runtime/chat-reader.js';
import { SearchSlots, type SearchSlotsOptions } from '../../../../platform/queries/search-slots.js';
import { wordMatcher } from '../runtime/search-words.js';
import * as statements from './chat-statements.js';
import { CommonWords } from './common-words.js';
import type { MessageRow } from './read-model-rows.js';

export type ListedMessageRow = MessageRow & { readonly threadId: string };

export interface MessageSearcherOptions extends SearchSlotsOptions {
  /** The full-text index is asked for so long, in milliseconds, and then the account’s own messages are read; 0: at once. @default 100 */
  readonly indexLimitMs?: number;
  /** Reading goes on for so long at most, in milliseconds. @default 2000 */
  readonly readForMs?: number;
}

/** So many of an account's messages with the longest word in them are looked at in one go. */
const READ_AT_ONCE = 500;

/**
 * Finds messages by their words, newest first, in one of two ways. The full-text index is quick for words that few
 * messages hold, whoever sees them; for "hello" it gives those of the whole installation. Then the messages of the
 * account's own threads are read instead: their number bounds that, and a common word is soon found.
 */
export class MessageSearcher {
  readonly #common = new CommonWords();
  readonly #indexLimitMs: number;
  readonly #readForMs: number;
  readonly #slots: SearchSlots;

  constructor(
    private readonly database: Database,
    { indexLimitMs = 100, readForMs = 2_000, ...slots }: MessageSearcherOptions = {},
  ) {
    this.#indexLimitMs = indexLimitMs;
    this.#readForMs = readForMs;
    this.#slots = new SearchSlots(slots);
  }

  /**
   * Messages of `accountId`'s threads with these words.
   * @param before an id; only older messages are found
   * @throws Fault kind `unavailable` the database is away; kind `exhausted`, reason SEARCH_TOO_LONG, the account sees too
   * many messages to be read in time, or TOO_MANY_SEARCHES: neither is repeated by Envoy, which would only make it worse
   */
  find(accountId: string, search: MessageSearch, before: string, limit: number): Promise<ListedMessageRow[]> {
    return this.#slots.run(accountId, async () => {
      try {
        return await this.#find(accountId, search, before, limit);
      } catch (error) {
        throw error instanceof Fault && isEndedByServer(error.cause) ? tooLong() : error;
      }
    });
  }

  async #find(accountId: string, search: MessageSearch, before: string, limit: number): Promise<ListedMessageRow[]> {
    const { threadId, senderId } = search;
    const expression = booleanExpression(search.words);
    // A thread holds so few messages that reading them is never slow.
    if (threadId === undefined && this.#indexLimitMs > 0 && !this.#common.has(expression)) {
      const chosen = senderId === undefined ? [] : [senderId];
      const statement = statements.searchMessages({ sender: senderId !== undefined });
      const values: SqlValue[] = [accountId, expression, before, ...chosen, limit];
      const found = await this.database.rowsWithin<ListedMessageRow>(this.#indexLimitMs, statement, values);
      if (found !== undefined) return found;
      this.#common.add(expression);
    }
    return this.#read(accountId, search, before, limit);
  }

  async #read(
    accountId: string,
    { words, threadId, senderId }: MessageSearch,
    before: string,
    limit: number,
  ): Promise<ListedMessageRow[]> {
    const isMatch = wordMatcher(words);
    const longest = words.reduce((one, other) => (other.length > one.length ? other : one), '');
    const statement = statements.readMessagesWith({ thread: threadId !== undefined, sender: senderId !== undefined });
    const chosen = [threadId, senderId].filter((id) => id !== undefined);
    const found: ListedMessageRow[] = [];
    const giveUpAt = performance.now() + this.#readForMs;
    for (let next = before; ;) {
      const values = [next, accountId, ...chosen, `%${longest.replaceAll('_', '|_')}%`, READ_AT_ONCE];
      const rows = await this.database.rows<ListedMessageRow>(statement, values);
      found.push(...rows.filter(({ text }) => isMatch(text)));
      const last = rows.at(-1);
      if (found.length >= limit || last === undefined || rows.length < READ_AT_ONCE) return found.slice(0, limit);
      if (performance.now() > giveUpAt) throw tooLong();
      next = last.id;
    }
  }
}

/** Each word is required, and the last one is the beginning of a word. */
function booleanExpression(words: readonly string[]): string {
  return `${words.map((word) => `+${word}`).join(' ')}*`;
}

function tooLong(): Fault {
  return new Fault('exhausted', 'SEARCH_TOO_LONG', 'the search takes too long, try again with rarer words');
}
