// npm test: type-check, lint, format, then every mocha test. Arguments go to mocha:
//
//   npm test -- --grep 'kill -9'
//   npm test -- services/thread/query/**/*.test.ts
//
// The tests run in two groups at once, each with servers of its own, as most of them wait for something; what the second
// group prints follows when the first has ended. Every step runs even when one before it failed. The last line is always 'N passed, N failed', where a failed step
// that is not a test counts as one.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from './prepare/compile.mjs';
import { withLock } from './prepare/lock.mjs';
import { PrepareError, projectRoot, run } from './prepare/project.mjs';

/** Of about the same length. */
const groups = [
  ['e2e/**/*.test.ts', 'mesh/**/*.test.ts'],
  [
    'platform/**/*.test.ts',
    'services/**/*.test.ts',
    'load/**/*.test.ts',
    'bench/**/*.test.ts',
    'k8s/**/*.test.ts',
    'scripts/**/*.test.mjs',
  ],
];
const CLOSE_TIMEOUT_MS = 20_000;
/** What the second group has printed. */
const later = [];
const total = { passed: 0, failed: 0, skipped: 0 };
const pathOf = (name, folder, file) => join(projectRoot, 'node_modules', name, folder, file);
const node = (name, folder, file, ...args) => run(process.execPath, [pathOf(name, folder, file), ...args]);

// In a process of its own beside the two steps after it, which keep this one busy.
const linted = beginStep('eslint', 'bin', 'eslint.js', '.');
await step('type-check', async () => {
  try {
    await withLock(join(projectRoot, '.tools', 'compile.lock'), () => compile(projectRoot));
    return { ok: true, output: '' };
  } catch (error) {
    if (error instanceof PrepareError) return { ok: false, output: error.message };
    throw error;
  }
});
await step('format', () => node('prettier', 'bin', 'prettier.cjs', '--check', '--log-level', 'warn', '--cache', '.'));
await step('lint', () => linted);
const args = process.argv.slice(2);
if (args.some((arg) => /\.test\.m?ts|\.test\.mjs/.test(arg))) await runMocha(args);
else await Promise.all(groups.map((group, index) => runMocha([...args, ...group], index > 0)));
for (const text of later) console.log(text);

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function step(name, work) {
  const started = Date.now();
  const { ok, output } = await work();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? '✔' : '✘'} ${name} (${seconds} s)`);
  if (ok) return;
  total.failed += 1;
  console.log(output);
}

/** Runs a package's program meanwhile. @returns what `run` does, once it has ended */
function beginStep(name, folder, file, ...args) {
  const child = spawn(process.execPath, [pathOf(name, folder, file), ...args], { cwd: projectRoot });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** Runs mocha, shows what it prints, or keeps that for later, and adds its counts to the total. */
async function runMocha(args, keepsOutput = false) {
  const folder = mkdtempSync(join(tmpdir(), 'threadweaver-test-'));
  const countsFile = join(folder, 'counts.json');
  const outputFile = join(folder, 'output');
  const output = keepsOutput ? openSync(outputFile, 'a') : 'inherit';
  const mocha = spawn(
    process.execPath,
    [
      join(projectRoot, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      join(projectRoot, 'scripts', 'test-reporter.cjs'),
      ...args,
    ],
    {
      cwd: projectRoot,
      env: { ...process.env, TEST_COUNTS_FILE: countsFile },
      stdio: ['ignore', output, output],
      // A group of its own: mocha runs the tests in a child, which would outlive it.
      detached: true,
    },
  );
  const forward = (signal) => {
    try {
      process.kill(-mocha.pid, signal);
    } catch {
      // It has ended.
    }
  };
  process.on('SIGTERM', forward).on('SIGINT', forward);

  // Mocha ends by itself when nothing is open any more. What is still open a while after the last test is a leak, and
  // a leak is a failure, not a run that hangs.
  let sinceCounts = 0;
  const watch = setInterval(() => {
    if (existsSync(countsFile)) sinceCounts += 500;
    if (sinceCounts < CLOSE_TIMEOUT_MS) return;
    clearInterval(watch);
    console.log(
      `✘ the tests left a server, socket or timer open: mocha did not end within ${CLOSE_TIMEOUT_MS / 1000} s`,
    );
    total.failed += 1;
    forward('SIGTERM');
    setTimeout(() => forward('SIGKILL'), 2_000);
  }, 500);
  const code = await new Promise((resolve) => mocha.once('exit', resolve));
  clearInterval(watch);

  if (existsSync(countsFile)) {
    const { passes, failures, pending } = JSON.parse(readFileSync(countsFile, 'utf8'));
    total.passed += passes;
    total.failed += failures;
    total.skipped += pending;
    // A hook at the very end, for one, fails after the counting.
    if (code !== 0 && failures === 0) total.failed += 1;
  } else {
    // It ended before any count, for instance because a test file does not load.
    total.failed += 1;
  }
  if (keepsOutput) later.push(readFileSync(outputFile, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
}
