import { mkdtemp } from 'node:fs/promises';
import { runRolling } from './rolling/run-rolling.js';
import { totalFds } from './rolling/process-sample.js';
const folder = await mkdtemp('/tmp/soak-');
console.log(folder);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const r = await runRolling({ seed: Number(process.argv[3] ?? 1), durationMs: Number(process.argv[2]) * 60_000, folder, report: console.log, capacityMs: Number(process.argv[4] ?? 10_000), signal: stop.signal });
console.log(r.calls.summary(), r.calls.failures.slice(0, 20), r.calls.repeatReasons().slice(0, 15));
console.log(r.watches.commits, r.watches.complete, r.watches.resumed, r.watches.violations.slice(0, 10));
console.log(r.violations.slice(0, 5), r.violations.length, r.commits, r.threads, r.trouble);
for (const [n, h] of r.heaps) { console.log(n, h.beforeMib, h.afterMib); console.table(h.growths.slice(0, 12).map((g) => [g.constructorName, g.before.count, g.count, Math.round(g.bytes/1024)])); }
for (const [n, s] of r.fds[0]) console.log(n, totalFds(s), s.fds, s.rssMib.toFixed(0), totalFds(r.fds[1].get(n)!), r.fds[1].get(n)!.fds, r.fds[1].get(n)!.rssMib.toFixed(0));
for (const [n, h] of r.sampler.heaps) console.log(n, h.map((x) => (x.heapMib + x.externalMib).toFixed(1)).join(' '));
