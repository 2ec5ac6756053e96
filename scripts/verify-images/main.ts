/**
 * `npm run verify:images`: builds the Dockerfile as it is, for each service and the load generator, by buildah and without a
 * registry, and runs what comes out: services against real NATS and MySQL. `npm run verify:images -- load` takes only the
 * images that are named. Wants Debian and root. Some minutes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Report } from '../verify-mesh/report.js';
import { Builder, type Image, type Recipe } from './builder.js';
import { checkLoad } from './check-load.js';
import { checkRunning } from './check-running.js';

/** Above `mostBytes` over the base, something came along that it does not need. */
const recipes: readonly Recipe[] = [
  { service: 'thread-command', port: 50051, mostBytes: 80_000_000 },
  { service: 'thread-query', port: 50052, mostBytes: 80_000_000 },
  { service: 'thread-projector', port: 50053, mostBytes: 80_000_000 },
  { service: 'load', omit: 'dev', mostBytes: 130_000_000 },
];

const report = new Report();

/** @throws Error naming what there is not */
function wanted(names: readonly string[]): readonly Recipe[] {
  const unknown = names.filter((name) => !recipes.some(({ service }) => service === name));
  if (unknown.length > 0) {
    throw new Error(`no image ${unknown.join(', ')}, only ${recipes.map(({ service }) => service).join(', ')}`);
  }
  // Services run on the schema that thread-projector's image brings.
  const all = names.some((name) => name !== 'load') ? [...names, 'thread-projector'] : names;
  return recipes.filter(({ service }) => names.length === 0 || all.includes(service));
}

async function verify(folder: string, chosen: readonly Recipe[]): Promise<void> {
  const [one, other] = [new Builder(join(folder, 'one')), new Builder(join(folder, 'other'))];
  for (const builder of [one, other]) await builder.makeBase();
  const images: Image[] = [];
  const rows: string[][] = [['service', 'MB over the base', 'files', 'layers', 'built in s']];
  for (const recipe of chosen) {
    const { service, port, mostBytes } = recipe;
    report.say(`\n# ${service}`);
    const started = Date.now();
    const image = await one.build(recipe);
    images.push(image);
    const seconds = (Date.now() - started) / 1_000;
    const { config } = image;
    report.check('runs as a user that is not root, by number', /^[1-9]\d*:[1-9]\d*$/.test(config.User), config.User);
    report.check('has a HEALTHCHECK', config.Healthcheck?.Test[0] === 'CMD', JSON.stringify(config.Healthcheck));
    if (port !== undefined) report.check('listens on its own port', `${port}/tcp` in (config.ExposedPorts ?? {}));
    const content = await one.contentOf(image);
    const bytes = content.reduce((sum, file) => sum + file.bytes, 0);
    report.check(
      `is small: ${(bytes / 1e6).toFixed(1)} MB over the base`,
      bytes < mostBytes,
      content
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, 10)
        .map((file) => `${file.bytes} ${file.path}`)
        .join('\n'),
    );
    // What packages bring along is theirs.
    const stray = /^\/app\/(dist\/.*(\.test\.|\/e2e\/|\/testing\/|tsbuildinfo)|node_modules\/typescript\/|\.npmrc)/;
    const strays = content.filter(({ path }) => stray.test(path));
    report.check(
      'has no tests, no compiler, no .npmrc',
      strays.length === 0,
      strays.map(({ path }) => path).join('\n'),
    );
    // From nothing again: another storage, no cache.
    const again = await other.build(recipe);
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
    const [load, services] = [images.filter(isLoad), images.filter((image) => !isLoad(image))];
    if (services.length > 0) await checkRunning(one, services, report);
    for (const image of load) await checkLoad(one, image, report);
  } finally {
    for (const builder of [one, other]) await builder.clear();
  }
  report.say('');
  for (const row of rows)
    report.say(row.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(18))).join(''));
}

const isLoad = ({ service }: Image): boolean => service === 'load';

function differences(
  one: readonly { path: string; hash: string }[],
  other: readonly { path: string; hash: string }[],
): string[] {
  const hashes = new Map(other.map(({ path, hash }) => [path, hash]));
  const changed = one.filter(({ path, hash }) => hashes.get(path) !== hash).map(({ path }) => path);
  const paths = new Set(one.map(({ path }) => path));
  return [...changed, ...other.filter(({ path }) => !paths.has(path)).map(({ path }) => path)];
}

let chosen: readonly Recipe[];
try {
  chosen = wanted(process.argv.slice(2));
} catch (error) {
  report.say((error as Error).message);
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), 'threadweaver-images-'));
try {
  await Builder.prepare((line) => report.say(line));
  await verify(folder, chosen);
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(report.finish() ? 0 : 1);
