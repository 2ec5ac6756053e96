import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../prepare/project.mjs';

/** What a test needs: nothing, one real server or tool, or the whole mesh. Its file's name says so. */
export const kinds = ['unit', 'int', 'e2e'];
const folders = ['platform', 'services', 'load', 'e2e', 'mesh', 'bench', 'k8s', 'scripts'];
/** Seconds of a file that scripts/test/seconds.json does not know. */
const guesses = { unit: 0.2, int: 5, e2e: 10 };
/** A batch costs the start of mocha and of its servers; a long one keeps the others waiting at the end. */
const SECONDS_A_BATCH = 45;

/** @returns 'unit', 'int' or 'e2e' */
export function kindOf(file) {
  return /\.(int|e2e)\.test\./.exec(file)?.[1] ?? 'unit';
}

/** All test files, or those of one kind. */
export function testFiles(kind) {
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.test.{ts,mjs}`, { cwd: projectRoot })).sort();
  return kind === undefined ? files : files.filter((file) => kindOf(file) === kind);
}

/** How long each file takes that is worth telling, as `npm test -- --record` has measured it. */
export const secondsFile = join(projectRoot, 'scripts', 'test', 'seconds.json');

/**
 * Puts files together that one mocha is to run: those that share a mesh, all unit tests, and of the rest neighbours, as they
 * share servers. The longest batch comes first, so that none is left at the end.
 * @returns {{ files: string[], seconds: number }[]}
 */
export function batchesOf(files) {
  const known = JSON.parse(readFileSync(secondsFile, 'utf8'));
  const groups = new Map();
  for (const file of files) {
    const key = groupOf(file);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  const batches = [];
  for (const [key, group] of groups) {
    let batch = { files: [], seconds: 0 };
    batches.push(batch);
    for (const file of group) {
      const seconds = known[file] ?? guesses[kindOf(file)];
      if (isSplit(key) && batch.files.length > 0 && batch.seconds + seconds > SECONDS_A_BATCH) {
        batch = { files: [], seconds: 0 };
        batches.push(batch);
      }
      batch.files.push(file);
      batch.seconds += seconds;
    }
  }
  return batches.sort((a, b) => b.seconds - a.seconds);
}

const ALL_UNITS = 'unit';
const SHARED_MESH = 'shared mesh';
const isSplit = (key) => key !== ALL_UNITS && key !== SHARED_MESH;

function groupOf(file) {
  if (kindOf(file) === 'unit') return ALL_UNITS;
  if (readFileSync(join(projectRoot, file), 'utf8').includes('/shared-mesh.js')) return SHARED_MESH;
  return `${kindOf(file)} ${dirname(file)}`;
}
