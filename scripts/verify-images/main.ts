/**
 * `npm run verify:images`: builds the Dockerfile as it is, for each service, by buildah and without a registry, and runs what
 * comes out against real NATS and MySQL. Wants Debian and root. Some minutes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Report } from '../verify-mesh/report.js';
import { Builder, type Image } from './builder.js';
import { checkRunning } from './check-running.js';

const services = { 'thread-command': 50051, 'thread-query': 50052, 'thread-projector': 50053 };
/** Above this, something came along that no service needs. */
const MOST_BYTES_OVER_BASE = 48_000_000;

const report = new Report();

async function verify(folder: string): Promise<void> {
  const [one, other] = [new Builder(join(folder, 'one')), new Builder(join(folder, 'other'))];
  for (const builder of [one, other]) await builder.makeBase();
  const images: Image[] = [];
  const rows: string[][] = [['service', 'MB over the base', 'files', 'layers', 'built in s']];
  for (const [service, port] of Object.entries(services)) {
    report.say(`\n# ${service}`);
    const started = Date.now();
    const image = await one.build(service, port);
    images.push(image);
    const seconds = (Date.now() - started) / 1_000;
    const { config } = image;
    report.check('runs as a user that is not root, by number', /^[1-9]\d*:[1-9]\d*$/.test(config.User), config.User);
    report.check('has a HEALTHCHECK', config.Healthcheck?.Test[0] === 'CMD', JSON.stringify(config.Healthcheck));
    report.check('listens on its own port', `${port}/tcp` in (config.ExposedPorts ?? {}));
    const content = await one.contentOf(image);
    const bytes = content.reduce((sum, file) => sum + file.bytes, 0);
    report.check(
      `is small: ${(bytes / 1e6).toFixed(1)} MB over the base`,
      bytes < MOST_BYTES_OVER_BASE,
      content
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, 10)
        .map((file) => `${file.bytes} ${file.path}`)
        .join('\n'),
    );
    // What packages bring along is theirs.
    const stray =
      /^\/app\/((dist|services)\/.*(\.test\.|\/e2e\/|\/testing\/|tsbuildinfo)|node_modules\/typescript\/|\.npmrc)/;
    const strays = content.filter(({ path }) => stray.test(path));
    report.check(
      'has no tests, no compiler, no .npmrc',
      strays.length === 0,
      strays.map(({ path }) => path).join('\n'),
    );
    // From nothing again: another storage, no cache.
    const again = await other.build(service, port);
    const differing = differences(content, await other.contentOf(again));
    report.check('built twice, has the same files', differing.length === 0, differing.join('\n'));
    report.check(
      'built twice with --timestamp, has the same layers',
      image.layers.join() === again.layers.join(),
      `${image.layers.join('\n')}\n${again.layers.join('\n')}`,
    );
    rows.push([
      service,
      (bytes / 1e6).toFixed(1),
      String(content.length),
      String(image.layers.length),
      seconds.toFixed(0),
    ]);
  }
  report.say('\n# Running, with a read-only root');
  try {
    await checkRunning(one, images, report);
  } finally {
    for (const builder of [one, other]) await builder.clear();
  }
  report.say('');
  for (const row of rows)
    report.say(row.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(18))).join(''));
}

function differences(
  one: readonly { path: string; hash: string }[],
  other: readonly { path: string; hash: string }[],
): string[] {
  const hashes = new Map(other.map(({ path, hash }) => [path, hash]));
  const changed = one.filter(({ path, hash }) => hashes.get(path) !== hash).map(({ path }) => path);
  const paths = new Set(one.map(({ path }) => path));
  return [...changed, ...other.filter(({ path }) => !paths.has(path)).map(({ path }) => path)];
}

const folder = await mkdtemp(join(tmpdir(), 'threadweaver-images-'));
try {
  await Builder.prepare((line) => report.say(line));
  await verify(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(report.finish() ? 0 : 1);
