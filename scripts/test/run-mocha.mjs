import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../prepare/project.mjs';

const CLOSE_TIMEOUT_MS = 20_000;
const mochaBin = join(projectRoot, 'node_modules', 'mocha', 'bin', 'mocha.js');
const reporter = join(projectRoot, 'scripts', 'test', 'reporter.cjs');
const running = new Set();

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    for (const child of running) stop(child, signal);
  });
}

/**
 * Runs files by mocha. Mocha ends by itself when nothing is open any more. What is still open a while after the last test is
 * a leak, and a leak is a failure, not a run that hangs.
 * @param {string[]} args files and options of mocha's
 * @param {{ keepsOutput?: boolean }} [options] whether it is returned instead of shown at once
 * @returns {Promise<{ files: Record<string, { passed: number, failed: string[], skipped: number, ms: number }>,
 *   trouble: string | undefined, output: string }>} trouble: what went wrong beside the tests
 */
export async function runMocha(args, { keepsOutput = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'threadweaver-test-'));
  const resultsFile = join(folder, 'results.json');
  const outputFile = join(folder, 'output');
  const output = keepsOutput ? openSync(outputFile, 'a') : 'inherit';
  const mocha = spawn(process.execPath, [mochaBin, '--reporter', reporter, ...args], {
    cwd: projectRoot,
    env: { ...process.env, TEST_RESULTS_FILE: resultsFile },
    stdio: ['ignore', output, output],
    // A group of its own: mocha runs the tests in a child, which would outlive it.
    detached: true,
  });
  running.add(mocha);
  let trouble;
  let sinceResults = 0;
  const watch = setInterval(() => {
    if (existsSync(resultsFile)) sinceResults += 500;
    if (sinceResults < CLOSE_TIMEOUT_MS) return;
    clearInterval(watch);
    trouble = `left a server, socket or timer open: mocha did not end within ${CLOSE_TIMEOUT_MS / 1000} s`;
    stop(mocha, 'SIGTERM');
    setTimeout(() => stop(mocha, 'SIGKILL'), 2_000).unref();
  }, 500);
  const code = await new Promise((resolve) => mocha.once('exit', resolve));
  clearInterval(watch);
  running.delete(mocha);

  const files = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
  const hasFailed = Object.values(files).some(({ failed }) => failed.length > 0);
  // A file that does not load, for one, or a hook at the very end.
  if (code !== 0 && !hasFailed) trouble ??= `mocha ended with ${code}`;
  const text = keepsOutput ? readFileSync(outputFile, 'utf8') : '';
  rmSync(folder, { recursive: true, force: true });
  return { files, trouble, output: text };
}

function stop(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}
