import { Command, InvalidArgumentError } from 'commander';

/** A week. */
const MOST_MINUTES = 10_080;

/** A program whose options are read by commander; what is wrong with them ends it with exit code 2, and its help. */
export function newProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError()
    .configureHelp({ helpWidth: 130 })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

/** Reads a number within bounds. */
export function numberFrom(minimum: number, maximum: number, { isWhole = true } = {}): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/\d/.test(text) && number >= minimum && number <= maximum && (!isWhole || Number.isInteger(number)))
      return number;
    throw new InvalidArgumentError(`It must be a ${isWhole ? 'whole ' : ''}number from ${minimum} to ${maximum}.`);
  };
}

/** Reads how long a program is to run, in minutes. */
export function minutes(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= MOST_MINUTES) return number;
  throw new InvalidArgumentError(`It must be a number above 0, up to ${MOST_MINUTES}.`);
}

/** Reads the seed of random choices. */
export const seed = numberFrom(0, 2 ** 32 - 1);
