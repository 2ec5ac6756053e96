import { parseArgs } from 'node:util';

/** What `npm run bench` was asked for. */
export interface CommandLine {
  readonly help: boolean;
  /** Names; undefined for the table of performance. */
  readonly only: readonly string[] | undefined;
  readonly count: number | undefined;
  readonly rounds: number | undefined;
  readonly write: boolean;
}

/** A command line that cannot be understood; the message says which option and why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function readCommandLine(args: readonly string[], names: readonly string[]): CommandLine {
  const { values } = parse(args);
  const only = values.only?.split(',').map((name) => name.trim());
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`--only: there is no bench ${JSON.stringify(unknown)}`);
  return {
    help: values.help ?? false,
    only,
    count: wholeNumber('--count', values.count, 100_000_000),
    rounds: wholeNumber('--rounds', values.rounds, 1_000),
    write: values.write ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        count: { type: 'string' },
        rounds: { type: 'string' },
        write: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function wholeNumber(option: string, text: string | undefined, maximum: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > maximum) {
    throw new UsageError(`${option}: ${JSON.stringify(text)} is no whole number from 1 to ${maximum}`);
  }
  return value;
}
