import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from './project.mjs';

const POLL_MS = 100;
const TAKEOVER_STALE_MS = 10_000;

/** Runs `work` while no other process on this machine holds the lock at `path`; waits for it, for as long as it takes. */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path);
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire(path) {
  for (let announced = false; !createExclusively(path, `${process.pid} ${startTime(process.pid)}`);) {
    if (isStale(path)) {
      takeOver(path);
      continue;
    }
    if (!announced) report('another run is at work here; waiting for it …');
    announced = true;
    await sleep(POLL_MS);
  }
}

function createExclusively(path, content) {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** A lock is stale when the process that wrote it is gone, even if its pid was given to another since. */
function isStale(path) {
  let content;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    return false;
  }
  // Created but not yet written: its owner is between open and write, unless it died there.
  if (content === '') return ageMs(path) > TAKEOVER_STALE_MS;
  const [pid, started] = content.split(' ');
  return startTime(Number(pid)) !== started;
}

/** Removes a stale lock. Guarded by a lock of its own: two waiters must not remove, in turn, the old lock and a fresh one. */
function takeOver(path) {
  const guard = `${path}.takeover`;
  if (!createExclusively(guard, '')) {
    if (ageMs(guard) > TAKEOVER_STALE_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    if (isStale(path)) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** When a process started, in clock ticks since boot; 'gone' if there is none, 'unknown' where /proc is not there. */
function startTime(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return 'gone';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may itself hold spaces: count from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
