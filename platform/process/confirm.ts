import { createInterface } from 'node:readline/promises';
import { Fault } from '../kernel/fault.js';

/**
 * Asks a person on the terminal.
 * @param yes the answer was given already
 * @throws Fault reason NOT_CONFIRMED there is no terminal to ask on
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new Fault('failed-precondition', 'NOT_CONFIRMED', `${question}\nThere is no terminal to ask on: say --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
