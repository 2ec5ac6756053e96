/** Writes what happens to the terminal, each line with the seconds since the start. */
export class ConsoleProgress {
  private readonly started = performance.now();
  private readonly colours = process.stdout.isTTY && process.env.NO_COLOR === undefined;

  constructor() {
    // Whoever read our output may have gone (`npm start | head`): no reason to leave the children behind.
    process.stdout.on('error', () => undefined);
    process.stderr.on('error', () => undefined);
  }

  /** A component's fate. */
  readonly report = (name: string, line: string): void => {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1).padStart(6);
    console.log(`${seconds} s  ${this.coloured('1', name.padEnd(17))} ${line}`);
  };

  /** A log line of a child. */
  readonly showLog = (name: string, line: string): void => {
    console.log(this.coloured('2', `          ${name} │ ${line}`));
  };

  private coloured(code: string, text: string): string {
    return this.colours ? `\u001B[${code}m${text}\u001B[0m` : text;
  }
}
