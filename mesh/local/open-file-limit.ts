import { readFileSync } from 'node:fs';

// nats-server holds a file per thread, and the journal takes 10,000 threads by default; the rest is for connections.
const WANTED = 12_000;

/**
 * What a person should know about the limit on open files, which servers are started with as high as it may be.
 * @param limits the text of `/proc/<pid>/limits`
 * @returns undefined when the limit is high enough, or not known
 */
export function openFilesWarning(limits: string): string | undefined {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  if (hard === undefined || Number(hard) >= WANTED) return undefined;
  return (
    `may open ${hard} files only, and holds one per thread: enough for some ${Math.max(0, Number(hard) - 500)} threads. ` +
    `Raise the hard limit (ulimit -Hn, limits.conf) to ${WANTED}, or lower JOURNAL_MAX_STREAMS.`
  );
}

/** The text of this process's limits; '' where the system does not tell. */
export function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
