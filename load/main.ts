import { checkAssertions } from './assertions.js';
import { type CommandLine, readCommandLine } from './command-line.js';
import { runLoad } from './engine/run-load.js';
import { ProgressLine } from './progress-line.js';
import { type LoadReport, verdictOf } from './report/load-report.js';
import { makeReportFolder, type ReportFile, saveReport } from './report/save-report.js';
import { textReport } from './report/text-report.js';
import { uploadReport } from './report/upload-report.js';
import { reachTarget } from './transports/reach-target.js';
import { UsageError } from './usage-error.js';

/** For as long a target may be just starting. */
const REACH_WITHIN_MS = 5_000;
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const complain = (text: string): boolean => process.stderr.write(`${text}\n`);

/** Runs the load. @returns the exit code; the help tells what it means */
async function main(args: readonly string[]): Promise<number> {
  let commandLine: CommandLine | undefined;
  try {
    commandLine = readCommandLine(args);
  } catch (error) {
    return refuse(error);
  }
  if (commandLine === undefined) return 0;
  const stop = new AbortController();
  let signalled: keyof typeof exitCodes | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait.
      if (signalled !== undefined) process.exit(exitCodes[signal]);
      signalled = signal;
      complain(`\n${signal}: users end, the report follows; again to end at once`);
      stop.abort();
    });
  }
  const { load, assertions, reportFolder } = commandLine;
  try {
    await reachTarget(load.target, REACH_WITHIN_MS, stop.signal);
    if (reportFolder !== undefined) await makeReportFolder(reportFolder);
  } catch (error) {
    return refuse(error);
  }
  print(describeRun(commandLine));
  const progress = new ProgressLine(process.stdout);
  const result = await runLoad(load, { onProgress: (now) => progress.show(now), signal: stop.signal });
  progress.end();
  const report: LoadReport = { ...result, assertions: checkAssertions(assertions, result) };
  print(`\n${textReport(report)}\n`);
  const isSaved = await save(report, commandLine);
  if (signalled !== undefined) return exitCodes[signalled];
  return isSaved && verdictOf(report) === 'passed' ? 0 : 1;
}

/** Tells what is wrong with an option. @returns the exit code */
function refuse(error: unknown): number {
  if (!(error instanceof UsageError)) throw error;
  complain(`${error.message}\nnpm run load -- --help lists what there is.`);
  return 2;
}

/** @returns false when the report is not where it should be; why has been told */
async function save(report: LoadReport, { reportFolder, uploadUrl, s3Endpoint }: CommandLine): Promise<boolean> {
  if (reportFolder === undefined && uploadUrl === undefined) return true;
  const { htmlReport } = await import('./report/html-report.js');
  const files: ReportFile[] = [
    { name: 'report.html', type: 'text/html; charset=utf-8', content: htmlReport(report) },
    { name: 'report.json', type: 'application/json', content: `${JSON.stringify(report, undefined, 1)}\n` },
  ];
  let isSaved = true;
  const attempt = async (what: string, work: () => Promise<string[]>): Promise<void> => {
    try {
      print(`${what}: ${(await work()).join(', ')}`);
    } catch (error) {
      isSaved = false;
      complain(`${what} failed: ${(error as Error).message}`);
    }
  };
  if (reportFolder !== undefined) await attempt('report', () => saveReport(reportFolder, files));
  if (uploadUrl !== undefined) await attempt('upload', () => uploadReport(uploadUrl, files, s3Endpoint));
  return isSaved;
}

function describeRun({ load }: CommandLine): string {
  const { scenarios, protocol, target, users, rate, workers, seed } = load;
  const who = rate === undefined ? `${users} users` : `${rate} rounds/s`;
  const what = scenarios.map(({ name }) => name).join(', ');
  return `${what} over ${protocol} at ${target}: ${who}, ${workers} worker${workers === 1 ? '' : 's'}, seed ${seed}`;
}

// Who reads only the first lines (`| head`) still gets the report.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.exitCode = await main(process.argv.slice(2));
