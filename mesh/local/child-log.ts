import type { ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readable, severityOf } from './log-line.js';

/** Where the output of children goes. */
export interface ChildLogSettings {
  /** Each child writes `<folder>/<name>.log`. */
  readonly folder: string;
  /** Show every line on the console, not only warnings and errors. @default false */
  readonly showAll?: boolean;
  /** Takes a line for the console. */
  readonly show: (name: string, line: string) => void;
  /** A log of at least this many bytes is rotated away at the start. @default 10_000_000 */
  readonly rotateAtBytes?: number;
}

const KEPT_FILES = 3;
const KEPT_LINES = 20;

/** The log of one child: a file with all of it, the console with what matters. It outlives the child's restarts. */
export class ChildLog {
  readonly path: string;
  private readonly file: WriteStream;
  private lastLines: string[] = [];

  constructor(
    private readonly name: string,
    private readonly settings: ChildLogSettings,
  ) {
    mkdirSync(settings.folder, { recursive: true });
    this.path = join(settings.folder, `${name}.log`);
    rotate(this.path, settings.rotateAtBytes ?? 10_000_000);
    this.file = createWriteStream(this.path, { flags: 'a' });
    // A full disk must not end the mesh; the console still shows what matters.
    this.file.on('error', (error) => settings.show(name, `its log cannot be written: ${error.message}`));
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
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.file.end(() => resolve()));
  }

  private take(line: string): void {
    if (line === '') return;
    if (this.file.writable) this.file.write(`${line}\n`);
    this.lastLines.push(line);
    if (this.lastLines.length > KEPT_LINES) this.lastLines.shift();
    if (this.settings.showAll || this.matters(line)) this.settings.show(this.name, readable(line));
  }

  private matters(line: string): boolean {
    // Envoy's way to say that it was asked to stop.
    if (line.includes('caught ENVOY_SIGTERM')) return false;
    const severity = severityOf(line);
    // MariaDB warns at each start about what we chose; its errors do matter.
    return severity === 'error' || (severity === 'warning' && this.name !== 'mysql');
  }
}

/** name.log → name.log.1 → name.log.2 → name.log.3. */
function rotate(path: string, atBytes: number): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < atBytes) return;
  for (let number = KEPT_FILES; number >= 1; number -= 1) {
    const from = number === 1 ? path : `${path}.${number - 1}`;
    if (statSync(from, { throwIfNoEntry: false })) renameSync(from, `${path}.${number}`);
  }
}
