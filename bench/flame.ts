import { readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from './support/command-line.js';

/** As `--cpu-prof` writes it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

/** A function at its place in the stacks; frames of the same name under the same parent are one. */
interface Frame {
  readonly name: string;
  readonly file: string;
  self: number;
  total: number;
  readonly children: Map<string, Frame>;
}

const WIDTH = 1_200;
const ROW = 15;
/** Narrower ones are left out, in pixels. */
const NARROWEST = 1.2;

const help = `node dist/bench/flame.js PROFILE.cpuprofile [FLAME.svg]

Prints where the CPU went, by file and by function (self time, idle left out), and draws a flame graph of it.`;

/** Where a file comes from, in short: packages by their names, ours from the project's folder on. */
function shortFile(url: string): string {
  const inPackage = /node_modules\/(.*)/.exec(url)?.[1];
  return inPackage ?? /\/dist\/(.*)/.exec(url)?.[1] ?? url;
}

function readFrames(profile: CpuProfile): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const root: Frame = { name: 'all', file: '', self: 0, total: 0, children: new Map() };
  const frames = new Map<number, Frame>();
  const frameOf = (id: number): Frame => {
    const known = frames.get(id);
    if (known !== undefined) return known;
    const node = nodes.get(id);
    const parent = parents.get(id);
    if (node === undefined || parent === undefined) return root;
    const above = frameOf(parent);
    const { functionName, url } = node.callFrame;
    const [name, file] = [functionName || '(anonymous)', shortFile(url)];
    const key = `${name} ${file}`;
    let frame = above.children.get(key);
    if (frame === undefined) above.children.set(key, (frame = { name, file, self: 0, total: 0, children: new Map() }));
    frames.set(id, frame);
    return frame;
  };
  for (const [index, id] of profile.samples.entries()) {
    if (nodes.get(id)?.callFrame.functionName === '(idle)') continue;
    frameOf(id).self += profile.timeDeltas[index] ?? 0;
  }
  sum(root);
  return root;
}

function sum(frame: Frame): number {
  frame.total = frame.self;
  for (const child of frame.children.values()) frame.total += sum(child);
  return frame.total;
}

function selfTimes(root: Frame, keyOf: (frame: Frame) => string): [string, number][] {
  const times = new Map<string, number>();
  const visit = (frame: Frame): void => {
    times.set(keyOf(frame), (times.get(keyOf(frame)) ?? 0) + frame.self);
    frame.children.forEach(visit);
  };
  visit(root);
  return [...times].sort(([, a], [, b]) => b - a);
}

/** By who is at work: this project, each package, and Node with V8. */
function colourOf({ file, name }: Frame): string {
  if (name === '(garbage collector)') return '#999999';
  if (file.startsWith('gen/')) return '#c9b458';
  if (/^(platform|services)\//.test(file)) return '#e0703a';
  if (file.startsWith('@grpc')) return '#5b8dd9';
  if (file.startsWith('@nats-io')) return '#57a55a';
  return file.startsWith('node:') || file === '' ? '#bdbdbd' : '#b07cc6';
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);

function drawFlame(root: Frame): string {
  const scale = WIDTH / root.total;
  const shapes: string[] = [];
  let deepest = 0;
  const draw = (frame: Frame, left: number, depth: number): void => {
    const width = frame.total * scale;
    if (width < NARROWEST) return;
    deepest = Math.max(deepest, depth);
    const share = `${((100 * frame.total) / root.total).toFixed(1)} %`;
    const fits = Math.floor(width / 6.2);
    const label = fits > 3 ? escaped(frame.name.slice(0, fits)) : '';
    shapes.push(
      `<g><title>${escaped(`${frame.name} ${frame.file}: ${share}`)}</title>` +
        `<rect x="${left.toFixed(1)}" y="${depth * ROW}" width="${(width - 0.3).toFixed(1)}" height="${ROW - 1}" fill="${colourOf(frame)}"/>` +
        (label === '' ? '' : `<text x="${(left + 2).toFixed(1)}" y="${depth * ROW + 11}">${label}</text>`) +
        '</g>',
    );
    let next = left;
    for (const child of [...frame.children.values()].sort((a, b) => b.total - a.total)) {
      draw(child, next, depth + 1);
      next += child.total * scale;
    }
  };
  draw(root, 0, 0);
  const height = (deepest + 1) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">`,
    ...shapes,
    '</svg>',
    '',
  ].join('\n');
}

function main([profilePath, svgPath]: readonly string[]): void {
  if (profilePath === undefined || profilePath.startsWith('-')) throw new UsageError('PROFILE is missing');
  let profile: CpuProfile;
  try {
    profile = JSON.parse(readFileSync(profilePath, 'utf8')) as CpuProfile;
  } catch (error) {
    throw new UsageError(`PROFILE ${profilePath} cannot be read: ${String(error)}`, { cause: error });
  }
  const root = readFrames(profile);
  const list = (title: string, times: [string, number][]): void => {
    console.log(`\n${title}`);
    for (const [key, time] of times.slice(0, 30)) {
      console.log(`${((100 * time) / root.total).toFixed(1).padStart(6)} %  ${key}`);
    }
  };
  list(
    'self time by file',
    selfTimes(root, ({ file, name }) => file || name),
  );
  list(
    'self time by function',
    selfTimes(root, ({ file, name }) => `${name} ${file}`),
  );
  if (svgPath !== undefined) writeFileSync(svgPath, drawFlame(root));
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${help}`);
  process.exitCode = 2;
}
