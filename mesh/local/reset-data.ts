import { existsSync, lstatSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join, parse } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { DataDir } from './data-dir.js';
import { MeshError } from './mesh-error.js';

/**
 * - `EMPTIED`: the folder is empty now, or was.
 * - `DECLINED`: the person said no.
 * - `NOT_ASKED`: there is no terminal to ask on.
 */
export type ResetOutcome = 'EMPTIED' | 'DECLINED' | 'NOT_ASKED';

// What a mesh makes in its folder. Anything else was put there by a person.
const OWN_ENTRIES =
  /^(nats(-[123])?|mysql(\.cnf)?|envoy|prometheus|logs|mesh\.(json.*|env)|(secrets|keys)\.json.*|tokens|tls)$/;

/**
 * Empties a mesh's data folder.
 * @param yes without asking
 * @throws MeshError when a mesh runs on it, or when it does not look like a mesh's folder
 */
export async function resetData(dataDir: string, yes: boolean): Promise<ResetOutcome> {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return 'EMPTIED';
  const foreign = readdirSync(dataDir).filter((entry) => !OWN_ENTRIES.test(entry));
  if (foreign.length > 0 || dataDir === parse(dataDir).root) {
    throw new MeshError(
      `${dataDir} holds what no mesh made (${foreign.join(', ')}); remove it by hand if you mean it.`,
    );
  }
  if (!yes) {
    if (!process.stdin.isTTY) return 'NOT_ASKED';
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question(`Remove all threads, read models and logs in ${dataDir}? [y/N] `);
    terminal.close();
    if (!/^y(es)?$/i.test(answer.trim())) return 'DECLINED';
  }
  const dir = await DataDir.take(dataDir, () => undefined);
  for (const entry of readdirSync(dataDir)) {
    const path = join(dataDir, entry);
    // Of root below /root, MySQL's is a link to one that is in reach of the server's own user.
    if (lstatSync(path).isSymbolicLink()) rmSync(readlinkSync(path), { recursive: true, force: true });
    rmSync(path, { recursive: true, force: true });
  }
  dir.release();
  return 'EMPTIED';
}
