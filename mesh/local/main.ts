import { readCommandLine } from './command-line.js';
import { ConsoleProgress } from './console-progress.js';
import { greeting } from './greeting.js';
import { MeshError } from './mesh-error.js';
import { readMeshSettings } from './mesh-settings.js';
import { installPrometheus } from './prometheus-component.js';
import { resetData } from './reset-data.js';
import { type RunningMesh, startMesh } from './start-mesh.js';
import { Fault } from '../../platform/kernel/fault.js';

// npm passes a terminal's Ctrl-C on to a process that had it already: two signals that are one.
const SAME_CTRL_C_MS = 500;

/** Runs the mesh until it is told to stop; the exit code. */
async function main(): Promise<number> {
  const options = readCommandLine(process.argv.slice(2));
  if (options === undefined) return 0;
  const { instances, natsNodes, watch, observe } = options;
  const settings = { ...readMeshSettings(process.env), instances, natsNodes, watch, observe };
  if (options.reset) {
    const outcome = await resetData(settings.dataDir, options.yes);
    if (outcome === 'NOT_ASKED') {
      console.error(`--reset would empty ${settings.dataDir}, and there is no terminal to ask on: add --yes.`);
      return 2;
    }
    if (outcome === 'DECLINED') return 0;
    console.log(`${settings.dataDir} is empty.`);
  }

  if (observe) installPrometheus();

  const progress = new ConsoleProgress();
  const stop = new AbortController();
  let mesh: RunningMesh | undefined;
  let stopped: (() => void) | undefined;
  const untilStopped = new Promise<void>((resolve) => (stopped = resolve));
  let firstSignalAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstSignalAt === undefined) {
      firstSignalAt = performance.now();
      progress.report('mesh', `${signal}: draining; once more kills everything at once`);
      stop.abort(new MeshError('stopped while starting'));
      stopped?.();
    } else if (performance.now() - firstSignalAt > SAME_CTRL_C_MS) {
      mesh?.kill();
      // Children die with this process.
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

  try {
    mesh = await startMesh({ ...settings, ...progress, signal: stop.signal });
    console.log(greeting(settings));
    await untilStopped;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  await mesh?.stop();
  progress.report('mesh', 'stopped');
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof MeshError) && !(error instanceof Fault)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
