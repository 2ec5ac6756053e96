/** A line of a process's log. */
export interface LogEntry {
  /** As its file is called. */
  readonly process: string;
  /** Epoch milliseconds; of a line without a time, that of the line before it. */
  readonly time: number;
  /** What a JSON line says; undefined of other lines. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  readonly text: string;
}

const TEXT_TIME = /(\d{4})[-/](\d\d)[-/](\d\d)[ T]+(\d{1,2}:\d\d:\d\d(?:\.\d{1,3})?)/;

/** Reads a line as the process has written it. @param timeBefore of the line before it */
export function logEntryOf(process: string, text: string, timeBefore: number): LogEntry {
  const fields = fieldsOf(text);
  const time = fields === undefined ? textTime(text) : Date.parse(String(fields.time));
  return { process, time: Number.isNaN(time) ? timeBefore : time, fields, text };
}

/** One line for a person: when, who, what, and the other fields. */
export function printable({ process, time, fields, text }: LogEntry): string {
  const when = time > 0 ? new Date(time).toISOString().slice(11, 23) : ''.padEnd(12);
  return `${when}  ${process.padEnd(18)} ${fields === undefined ? harmless(text) : sentence(fields)}`;
}

/** For a program. */
export function asJson({ process, time, fields, text }: LogEntry): string {
  return JSON.stringify({ process, time: new Date(time).toISOString(), ...(fields ?? { text }) });
}

function sentence(fields: Readonly<Record<string, unknown>>): string {
  const { level, msg, time: _time, pid: _pid, service, hostname: _hostname, ...others } = fields;
  if (service !== 'edge') return `${String(level)}: ${harmless(String(msg))}${details(others)}`;
  // Of Envoy's access log, whose time is when the request came.
  const { method, path, status, duration_ms: duration, ...rest } = others;
  return `${harmless(`${String(method)} ${String(path)}`)} → ${String(status)} in ${String(duration)} ms${details(rest)}`;
}

function details(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== '-' && value !== '')
    .map(
      ([name, value]) =>
        ` ${name}=${typeof value === 'string' && /^[!-~]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join('');
}

/** Without what could steer a terminal. */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

function fieldsOf(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Of nats-server, MariaDB and Envoy's own lines, in this machine's time zone. */
function textTime(text: string): number {
  const [, year, month, day, clock = ''] = TEXT_TIME.exec(text.slice(0, 80)) ?? [];
  return year === undefined ? NaN : new Date(`${year}-${month}-${day}T${clock.padStart(8, '0')}`).getTime();
}
