// Compiles the filter. The result is committed, because nobody who only runs the mesh needs the compiler.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'threadweaver-wasm-'));
try {
  const source = join(folder, 'filter.ts');
  copyFileSync(join(import.meta.dirname, 'connections-per-address.assemblyscript'), source);
  const output = join(import.meta.dirname, 'connections-per-address.wasm');
  const options = ['-O2', '--runtime', 'incremental', '--use', 'abort=', '-o', output];
  const compiler = ['--yes', '--package', 'assemblyscript@0.28.20', 'asc'];
  execFileSync('npx', [...compiler, source, ...options], { stdio: 'inherit' });
} finally {
  rmSync(folder, { recursive: true });
}
