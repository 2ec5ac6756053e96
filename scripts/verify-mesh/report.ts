/** What was looked at, and what was seen. */
export class Report {
  readonly #failures: string[] = [];
  #passed = 0;

  /** Notes a check's outcome; a failure stops nothing, so that one run shows all of them. */
  check(what: string, holds: boolean, seen = ''): void {
    if (holds) this.#passed += 1;
    else this.#failures.push(what);
    this.say(`${holds ? '✔' : '✘'} ${what}${holds ? '' : `\n${seen.trim().slice(-1_500)}`}`);
  }

  /** A line of progress. */
  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** How it went, in a line; false when anything failed. */
  finish(): boolean {
    this.say(`\n${this.#passed} checks passed, ${this.#failures.length} failed`);
    for (const failure of this.#failures) this.say(`  ✘ ${failure}`);
    return this.#failures.length === 0;
  }
}
