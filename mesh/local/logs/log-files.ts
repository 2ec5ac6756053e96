import { closeSync, createReadStream, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { logEntryOf, type LogEntry } from './log-entry.js';

const FILE_NAME = /^(?<process>[a-z0-9-]+)\.log(?:\.(?<number>\d+))?$/;
/** So much is read of a file at once. */
const CHUNK_BYTES = 64 * 1024;

/** Every kept line that `isWanted`, file by file: of each process in order. @throws Error of the file system */
export async function* keptLines(folder: string, isWanted: (text: string) => boolean): AsyncIterable<LogEntry> {
  for (const { process, path } of logFiles(folder)) {
    let time = 0;
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      if (text === '' || !isWanted(text)) continue;
      const entry = logEntryOf(process, text, time);
      ({ time } = entry);
      yield entry;
    }
  }
}

/** All kept files: of each process the oldest first. */
function logFiles(folder: string): { process: string; number: number; path: string }[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const { process, number = '0' } = FILE_NAME.exec(name)?.groups ?? {};
      return process === undefined ? [] : [{ process, number: Number(number), path: join(folder, name) }];
    })
    .toSorted((left, right) => left.process.localeCompare(right.process) || right.number - left.number);
}

/** Follows all logs of a folder over their rotation, and those that come later. */
export class LogTails {
  readonly #tails = new Map<string, LogTail>();

  /** Begins at the present ends. */
  constructor(private readonly folder: string) {
    for (const { process, number, path } of logFiles(folder)) {
      if (number === 0) this.#tails.set(process, new LogTail(process, path, { fromEnd: true }));
    }
  }

  /** What has been written since the last call, in order of time. */
  read(): LogEntry[] {
    for (const { process, number, path } of logFiles(this.folder)) {
      if (number === 0 && !this.#tails.has(process)) {
        this.#tails.set(process, new LogTail(process, path, { fromEnd: false }));
      }
    }
    return [...this.#tails.values()].flatMap((tail) => tail.read()).toSorted((left, right) => left.time - right.time);
  }

  close(): void {
    for (const tail of this.#tails.values()) tail.close();
  }
}

/** Follows one process's log. */
class LogTail {
  #file: number;
  #position: number;
  #rest = Buffer.alloc(0);
  #time = Date.now();

  constructor(
    private readonly process: string,
    private readonly path: string,
    { fromEnd }: { readonly fromEnd: boolean },
  ) {
    this.#file = openSync(path, 'r');
    this.#position = fromEnd ? fstatSync(this.#file).size : 0;
  }

  read(): LogEntry[] {
    // Looked at first: what is moved away is not written any more, so it is read to its end below.
    const present = statSync(this.path, { throwIfNoEntry: false });
    const entries = this.#readToEnd();
    if (present === undefined || present.ino === fstatSync(this.#file).ino) return entries;
    closeSync(this.#file);
    this.#file = openSync(this.path, 'r');
    this.#position = 0;
    return [...entries, ...this.#readToEnd()];
  }

  close(): void {
    closeSync(this.#file);
  }

  #readToEnd(): LogEntry[] {
    const entries: LogEntry[] = [];
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const length = readSync(this.#file, chunk, 0, CHUNK_BYTES, this.#position);
      if (length === 0) return entries;
      this.#position += length;
      const lines = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      const end = lines.lastIndexOf('\n') + 1;
      this.#rest = Buffer.from(lines.subarray(end));
      for (const text of lines.subarray(0, end).toString().split('\n')) {
        if (text === '') continue;
        const entry = logEntryOf(this.process, text, this.#time);
        this.#time = entry.time;
        entries.push(entry);
      }
    }
  }
}
