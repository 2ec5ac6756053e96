/** What a line of a child's output says. */
export type Severity = 'info' | 'warning' | 'error';

const PINO = /^\{"level":(?:"(\w+)"|(\d+))/;
const TEXT_ERROR = /\[(?:ERR|FTL|ERROR|error|critical)\]/;
const TEXT_WARNING = /\[(?:WRN|Warning|warning)\]/;

/** Reads the severity of pino's JSON lines, and of the text lines of nats-server, MariaDB and Envoy. */
export function severityOf(line: string): Severity {
  const pino = PINO.exec(line);
  if (pino !== null) {
    const [, label, number] = pino;
    if (label === 'error' || label === 'fatal' || Number(number) >= 50) return 'error';
    return label === 'warn' || Number(number) >= 40 ? 'warning' : 'info';
  }
  if (TEXT_ERROR.test(line)) return 'error';
  return TEXT_WARNING.test(line) ? 'warning' : 'info';
}

/** A JSON log line for a person: its message first, then its other fields, without what the file name says anyway. */
export function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { level, msg, time: _time, pid: _pid, service: _service, hostname: _hostname, ...rest } = fields;
  const details = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : '';
  return `${String(level)}: ${typeof msg === 'string' ? msg : ''}${details}`;
}
