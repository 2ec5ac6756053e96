import { Fault } from '../kernel/fault.js';

/** Reads settings from environment variables; a value that cannot be meant is an error that names the variable. */
export class Environment {
  constructor(private readonly variables: Readonly<Record<string, string | undefined>>) {}

  text(name: string, byDefault: string): string {
    const value = this.variables[name];
    return value === undefined || value === '' ? byDefault : value;
  }

  /** One of a closed set of values. */
  choice<const Choice extends string>(name: string, choices: readonly Choice[], byDefault: Choice): Choice {
    const value = this.text(name, byDefault);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw invalidSetting(name, value, `one of ${choices.join(', ')}`);
    return found;
  }

  /** A whole number. `minimum` @default 0 */
  integer(name: string, byDefault: number, bounds: { minimum?: number; maximum?: number } = {}): number {
    const text = this.text(name, String(byDefault));
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = bounds;
    const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw invalidSetting(name, text, `a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  }

  port(name: string, byDefault: number): number {
    return this.integer(name, byDefault, { maximum: 65_535 });
  }
}

function invalidSetting(name: string, value: string, expected: string): Fault {
  return new Fault(
    'failed-precondition',
    'INVALID_SETTING',
    `${name} is ${JSON.stringify(value)}, must be ${expected}`,
  );
}

/** The settings, or, when one is wrong, one line on stderr that names it and the end of the process with exit code 1. */
export function settingsOrExit<Settings>(read: () => Settings): Settings {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}
