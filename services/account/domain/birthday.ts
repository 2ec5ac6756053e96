const format =
  /^(\d{4})-(\d\d)-(\d\d)([Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))?$/;
/** Nobody who was born before then is alive. */
const EARLIEST = Date.UTC(1850, 0);
const DAY_MS = 24 * 60 * 60_000;

/**
 * Reads a birthday as RFC 3339 writes dates and times.
 * @param now a birthday later than this, by more than the zones of the earth differ, is none yet
 * @returns epoch milliseconds; undefined: it is none
 */
export function parseBirthday(text: string, now: number): number | undefined {
  const [matched, year, month, day] = format.exec(text) ?? [];
  if (matched === undefined) return undefined;
  // Date would take the 30th of February for the 2nd of March.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  const time = Date.parse(
    text
      .toUpperCase()
      .replace(' ', 'T')
      .replace(/:60(?=[.Z+-])/, ':59'),
  );
  return isDay && time >= EARLIEST && time <= now + DAY_MS ? time : undefined;
}

/** The way back: RFC 3339, in UTC. */
export function birthdayText(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
