import { type RunningMesh, startMesh } from '../../mesh/local/index.js';

let started: Promise<RunningMesh> | undefined;

/** The mesh that all end-to-end tests share, started at the first call. Tests keep apart by accounts of their own. */
export function sharedMesh(): Promise<RunningMesh> {
  started ??= startMesh();
  return started;
}

// Outside of every describe, this is a hook of mocha's root: it runs after the last test.
after(async function () {
  this.timeout(30_000);
  await (await started)?.stop();
});
