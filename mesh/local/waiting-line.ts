/** What stands before the text of a log line: the time, the process, the level, in the forms of our servers. */
const BEFORE_THE_TEXT = /^(?:\[?\d[-\d/]*[ T]+[\d:.Z]+\]?(?: \d+)?|\[[^\]]*\]|\s+)+/;
const LONGEST_TEXT = 90;

/**
 * Tells a person what is waited for while a server starts: `waiting for it: 12 s (takes no connections yet; last said:
 * InnoDB: Starting crash recovery)`.
 * @param reason why it is not healthy, as its health check says
 * @param lastLine of its log @default it said nothing
 */
export function waitingLine(reason: string, seconds: number, lastLine?: string): string {
  const text = lastLine?.replace(BEFORE_THE_TEXT, '').trim() ?? '';
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
  return `waiting for it: ${seconds} s (${inWords(reason)}${short === '' ? '' : `; last said: ${short}`})`;
}

function inWords(reason: string): string {
  if (/ECONNREFUSED|ENOENT.*\.sock|CONNECTION_REFUSED|connection refused/i.test(reason))
    return 'takes no connections yet';
  if (/timed? ?out|deadline|ETIMEDOUT|aborted due to timeout/i.test(reason)) return 'does not answer yet';
  if (/not serving/i.test(reason)) return 'answers, but does not serve yet';
  return reason.trim();
}
