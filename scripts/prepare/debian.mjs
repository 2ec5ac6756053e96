import { report, run } from './project.mjs';

/**
 * Asks apt-get; again with new package lists when it fails, if they may be renewed here: on a fresh image they are empty or old.
 * @param {() => { ok: boolean, output: string }} ask
 */
export function withFreshLists(ask) {
  const result = ask();
  if (result.ok || process.getuid?.() !== 0) return result;
  report('refreshing the package lists …');
  run('apt-get', ['update'], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  return ask();
}
