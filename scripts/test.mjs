// npm test: type-check, lint, format, then every mocha test. Arguments go to mocha:
//
//   npm test -- --grep 'kill -9'
//   npm test -- services/thread/query/test/chat-queries.int.test.ts
//   npm run test:unit -- --watch       (also test:int, test:e2e: without type-check, lint and format)
//   npm test -- --record               notes how long each file took, for the order of later runs
//
// Batches of files run beside each other, each with servers of its own, as most tests wait for something; what a batch prints
// follows when it has ended. A file with a failure is run once more alone, when nothing else does: what passes then is
// flaky, is named, and fails nobody's run. Every step runs even when one before it failed. The last line is always
// 'N passed, N failed', where a failed step that is not a test counts as one.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './prepare/compile.mjs';
import { withLock } from './prepare/lock.mjs';
import { PrepareError, projectRoot, run } from './prepare/project.mjs';
import { batchesOf, kinds, secondsFile, testFiles } from './test/plan.mjs';
import { runMocha } from './test/run-mocha.mjs';

/** So many mochas run at once. */
const LANES = 3;
/** With more files that failed, something is broken, and a second look would only take time. */
const MAX_SECOND_LOOKS = 6;
const pathOf = (name, folder, file) => join(projectRoot, 'node_modules', name, folder, file);
const node = (name, folder, file, ...args) => run(process.execPath, [pathOf(name, folder, file), ...args]);

const given = process.argv.slice(2);
const kind = kinds.find((one) => given.includes(`--${one}`));
const isRecording = given.includes('--record');
const args = given.filter((arg) => !kinds.includes(arg.slice(2)) && arg !== '--record');
/** What failed beside the tests. */
const troubles = [];
/** What came of each file. */
const results = new Map();
const flaky = [];

if (kind === undefined) await checkSources();
if (args.some((arg) => /\.test\.m?[tj]s/.test(arg))) take(await runMocha(args));
else if (kind === 'unit') take(await runMocha([...args, ...testFiles('unit')]));
else await runInLanes(testFiles(kind));
tell();

async function checkSources() {
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
}

async function step(name, work) {
  const started = Date.now();
  const { ok, output } = await work();
  console.log(`${ok ? '✔' : '✘'} ${name} (${secondsSince(started)} s)`);
  if (ok) return;
  troubles.push(name);
  console.log(output);
}

/** Runs a package's program meanwhile. @returns what `run` does, once it has ended */
function beginStep(name, folder, file, ...stepArgs) {
  const child = spawn(process.execPath, [pathOf(name, folder, file), ...stepArgs], { cwd: projectRoot });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ ok: code === 0, output }));
  });
}

async function runInLanes(files) {
  const batches = batchesOf(files);
  let done = 0;
  const lane = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const started = Date.now();
      const result = await runMocha([...args, ...batch.files], { keepsOutput: true });
      done += batch.files.length;
      console.log(
        `${result.output}\n── ${done} of ${files.length} files (these ${batch.files.length}: ${secondsSince(started)} s)\n`,
      );
      take(result, batch.files);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await lookAgain();
}

/** Keeps what came of a run. @param files those that it was to run; only needed when something went wrong beside the tests */
function take({ files, trouble }, batch = []) {
  for (const [file, result] of Object.entries(files)) results.set(file, result);
  if (trouble === undefined) return;
  console.log(`✘ ${trouble}`);
  const hasFailed = batch.some((file) => (results.get(file)?.failed.length ?? 0) > 0);
  // A test that fails may not close what it has opened.
  if (!hasFailed) troubles.push(`${batch.join(' ')} ${trouble}`.trim());
}

async function lookAgain() {
  const failed = [...results].filter(([, { failed: titles }]) => titles.length > 0);
  if (failed.length > MAX_SECOND_LOOKS) return;
  for (const [file, before] of failed) {
    console.log(`── ${file} once more, alone`);
    const again = await runMocha([...args, file], { keepsOutput: true });
    console.log(again.output);
    take(again, [file]);
    if (results.get(file)?.failed.length === 0) flaky.push(...before.failed);
  }
}

function tell() {
  const all = [...results.values()];
  const sum = (of) => all.reduce((total, one) => total + of(one), 0);
  for (const title of flaky) console.log(`flaky: ${title}`);
  for (const [file, { failed }] of results) for (const title of failed) console.log(`failed: ${title}  (${file})`);
  for (const trouble of troubles) console.log(`failed: ${trouble}`);
  const failed = sum((one) => one.failed.length) + troubles.length;
  const more = [
    [sum((one) => one.skipped), 'skipped'],
    [flaky.length, 'flaky'],
  ];
  const rest = more.filter(([count]) => count > 0).map(([count, word]) => `, ${count} ${word}`);
  console.log(`${sum((one) => one.passed)} passed, ${failed} failed${rest.join('')}`);
  process.exitCode = failed > 0 ? 1 : 0;
  if (isRecording && failed === 0) record();
}

function record() {
  const seconds = [...results].map(([file, { ms }]) => [file, Math.round(ms / 1000)]).filter(([, s]) => s > 2);
  writeFileSync(secondsFile, `${JSON.stringify(Object.fromEntries(seconds.sort()), undefined, 2)}\n`);
}

function secondsSince(started) {
  return ((Date.now() - started) / 1000).toFixed(1);
}
