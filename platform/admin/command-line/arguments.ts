import { InvalidArgumentError } from 'commander';

/** What `placeAfter` takes. */
export const PLACES = 'a sequence of the feed, or a time with its zone such as 2026-01-31T12:00:00Z';

/** Reads a place in a feed. `needs` begins the message when it is none, such as `rewind needs --to`. */
export function placeAfter(needs: string): (text: string) => number | Date {
  return (text) => {
    if (/^\d{1,15}$/.test(text)) return Number(text);
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
    const time = new Date(isTime ? text : NaN);
    if (Number.isNaN(time.getTime())) throw new InvalidArgumentError(`${needs} with ${PLACES}`);
    return time;
  };
}

/** Of an aggregate of the context's first type, or `type=id`. */
export function idOf(text: string): string {
  if (/^([0-9A-Za-z_-]{1,64}=)?[0-9A-Za-z_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('that is no id');
}
