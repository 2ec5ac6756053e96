import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readable, severityOf } from './log-line.js';

/** How much of the log of a child is kept. */
export interface LogFileSettings {
  /**
   * A log that has grown to so many bytes is moved away, to `<name>.log.1` and so on, and another one is begun: so
   * `tail -F` follows it. @default 10 MiB
   */
  readonly maxFileBytes?: number;
  /** So many files of each child are kept, the present one included: at least 1. @default 3 */
  readonly maxFiles?: number;
}

/** Where the output of children goes. */
export interface ChildLogSettings extends LogFileSettings {
  /** Each child writes `<folder>/<name>.log`. */
  readonly folder: string;
  /** Show every line on the console, not only warnings and errors. @default false */
  readonly showAll?: boolean | undefined;
  /** Takes a line for the console. */
  readonly show: (name: string, line: string) => void;
}

const KEPT_LINES = 20;
/** What piles up within one turn of the event loop is written at once; no more than this. */
const WRITE_CHARS = 64 * 1024;

/** The log of one child: files with all of it, the console with what matters. It outlives the child's restarts. */
export class ChildLog {
  readonly path: string;
  private readonly maxFileBytes: number;
  private readonly maxFiles: number;
  private file: number | undefined;
  private fileBytes = 0;
  private waiting: string[] = [];
  private waitingChars = 0;
  private hasFailed = false;
  private isClosed = false;
  private lastLines: string[] = [];

  constructor(
    private readonly name: string,
    private readonly settings: ChildLogSettings,
  ) {
    this.maxFileBytes = settings.maxFileBytes ?? 10 * 1024 * 1024;
    this.maxFiles = settings.maxFiles ?? 3;
    mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
    this.path = join(settings.folder, `${name}.log`);
    this.tryTo(() => void this.open());
  }

  /** Takes over the output of a child that was just started. */
  follow(child: ChildProcess): void {
    this.lastLines = [];
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => this.take(line));
    }
  }

  /** The last lines of the present child: what it said before it died. */
  tail(lines = 10): string[] {
    return this.lastLines.slice(-lines).map(readable);
  }

  /** Writes what is left and closes the file. */
  close(): void {
    this.write();
    this.isClosed = true;
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  private take(line: string): void {
    if (line === '') return;
    this.waiting.push(`${line}\n`);
    this.waitingChars += line.length;
    if (this.waiting.length === 1) setImmediate(() => this.write());
    else if (this.waitingChars >= WRITE_CHARS) this.write();
    this.lastLines.push(line);
    if (this.lastLines.length > KEPT_LINES) this.lastLines.shift();
    if (this.settings.showAll || this.matters(line)) this.settings.show(this.name, readable(line));
  }

  private write(): void {
    const text = Buffer.from(this.waiting.join(''));
    this.waiting = [];
    this.waitingChars = 0;
    if (text.length === 0 || this.isClosed) return;
    this.tryTo(() => {
      let file = this.file ?? this.open();
      if (this.fileBytes > 0 && this.fileBytes + text.length > this.maxFileBytes) file = this.rotate();
      for (let written = 0; written < text.length;) written += writeSync(file, text, written);
      this.fileBytes += text.length;
      this.hasFailed = false;
    });
  }

  private open(): number {
    const file = openSync(this.path, 'a', 0o600);
    this.file = file;
    this.fileBytes = fstatSync(file).size;
    return file;
  }

  /** name.log → name.log.1 → name.log.2; the last one goes. */
  private rotate(): number {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
    const last = this.maxFiles - 1;
    // Also those that a time with more of them has left.
    for (let number = Math.max(1, last); statSync(`${this.path}.${number}`, { throwIfNoEntry: false }); number += 1) {
      rmSync(`${this.path}.${number}`);
    }
    for (let number = last; number >= 1; number -= 1) {
      const from = number === 1 ? this.path : `${this.path}.${number - 1}`;
      if (statSync(from, { throwIfNoEntry: false })) renameSync(from, `${this.path}.${number}`);
    }
    if (last === 0) rmSync(this.path, { force: true });
    return this.open();
  }

  /** A full disk must not end the mesh; the console still shows what matters. It is told once, until it works again. */
  private tryTo(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!this.hasFailed) this.settings.show(this.name, `its log cannot be written: ${(error as Error).message}`);
      this.hasFailed = true;
    }
  }

  private matters(line: string): boolean {
    // Envoy's way to say that it was asked to stop.
    if (line.includes('caught ENVOY_SIGTERM')) return false;
    // Of nats-server: it stands in a file that is its user's alone, and bcrypt would cost each connection CPU.
    if (line.includes('Plaintext passwords detected')) return false;
    const severity = severityOf(line);
    // MariaDB warns at each start about what we chose; its errors do matter.
    return severity === 'error' || (severity === 'warning' && this.name !== 'mysql');
  }
}
