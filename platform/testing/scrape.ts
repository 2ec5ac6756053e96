import { setTimeout as delay } from 'node:timers/promises';

/** What a process says at `/metrics`. */
export interface Scrape {
  /** The names of all metrics, without what Prometheus puts behind those of a histogram. */
  readonly names: ReadonlySet<string>;
  readonly text: string;
  /**
   * The sum of a metric's series that have these labels; undefined when there is none.
   * @param name as in the text, such as `…_count` of a histogram
   */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/** @throws Error when nobody answers, or not with metrics */
export async function scrape(port: number): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`the metrics answer ${response.status}`);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return {
    text,
    names: new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '')),
    value(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const values = lines
        .filter((line) => /^[^{ ]+/.exec(line)?.[0] === name && wanted.every((label) => line.includes(label)))
        .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
      return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
    },
  };
}

/** Scrapes until the condition holds. @throws Error after `limitMs`, with the last metrics. @param limitMs @default 20000 */
export async function scrapeUntil(
  port: number,
  condition: (scrape: Scrape) => boolean,
  limitMs = 20_000,
): Promise<Scrape> {
  const until = Date.now() + limitMs;
  for (;;) {
    const found = await scrape(port);
    if (condition(found)) return found;
    if (Date.now() > until) throw new Error(`not within ${limitMs} ms; the metrics are\n${found.text}`);
    await delay(50);
  }
}
