// npm run dev: npm start, with each service started again when a file that it imports has changed. Arguments go to npm start.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './prepare/project.mjs';

const node = (...args) => spawn(process.execPath, args, { cwd: projectRoot, stdio: 'inherit' });
const compiler = node(join('node_modules', 'typescript', 'bin', 'tsc'), '--watch', '--preserveWatchOutput');
const mesh = node(
  '--enable-source-maps',
  join('dist', 'mesh', 'local', 'main.js'),
  '--watch',
  ...process.argv.slice(2),
);

// A terminal's Ctrl-C reaches all three; the mesh drains, and this process waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    compiler.kill();
    if (signal !== 'SIGINT') mesh.kill(signal);
  });
}
mesh.once('exit', (code) => {
  compiler.kill();
  process.exitCode = code ?? 1;
});
