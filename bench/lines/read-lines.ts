import type { Line } from '../support/line.js';
import { getThreadLine } from './get-thread-line.js';
import { lagLine } from './lag-line.js';
import { projectorLine } from './projector-line.js';
import { replayLine } from './replay-line.js';
import { restLine } from './rest-line.js';

/** Those of the read path, in the table's order. */
export const readLines: readonly Line[] = [getThreadLine, restLine, projectorLine, lagLine, replayLine];
