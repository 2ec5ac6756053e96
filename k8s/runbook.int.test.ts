import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCommandLine as readMeshCommandLine } from '../mesh/local/command-line.js';
import { projectRoot } from '../platform/process/project-root.js';
import { readAdminArguments } from '../platform/admin/admin-program.js';
import { accounts, contexts } from '../services/contexts.js';
import { containersOf, Overlay, overlayNames } from './testing/manifests.js';

const fileText = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const { scripts } = JSON.parse(fileText('package.json')) as { scripts: Record<string, string> };
const runbookText = fileText('docs/operations.md');

/** What reads the arguments of a script of package.json, and throws when they cannot be meant. */
const readers: Readonly<Record<string, (args: string[]) => unknown>> = {
  admin: (args) => readAdminArguments(contexts, args, undefined, accounts),
  start: readMeshCommandLine,
};
/** kubectl's names for what the manifests have. */
const kinds: Readonly<Record<string, string>> = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  statefulset: 'StatefulSet',
  hpa: 'HorizontalPodAutoscaler',
  service: 'Service',
  secret: 'Secret',
  job: 'Job',
  cronjob: 'CronJob',
};

/** Blocks of commands, with what is indented within a list brought to the margin. */
function blocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/^( *(?:\d\. )?)```sh[^\n]*\n([\s\S]*?)^ *```$/gm)].map(([, margin = '', block = '']) =>
    block.replaceAll(new RegExp(`^ {${margin.length}}`, 'gm'), ''),
  );
}

/** Commands of a block, a line each, without remarks. */
function commandsOf(block: string): string[] {
  return block
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#\s.*$/, '').trim())
    .filter((line) => line !== '');
}

/** In code spans and in blocks alike: `npm run …`. */
function npmCommandsOf(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run \w+|start)(?: -- [^`#\n|&;<>)]*)?/g)].map(([command]) => command.trim());
}

function wrongInNpm(command: string): string[] {
  const [, script = '', rest] = /^npm (?:run )?(\w+)(?: --(?: (.*))?)?$/.exec(command) ?? [];
  if (scripts[script] === undefined) return [`${command}: package.json has no ${script}`];
  if (rest === undefined) return [];
  try {
    readers[script]?.(rest.trim().split(/\s+/));
    return [];
  } catch (error) {
    return [`${command}: ${(error as Error).message.split('\n')[0]}`];
  }
}

function wrongFiles(command: string): string[] {
  const named = command.match(/\b(?:k8s|docs|mesh|dist)\/[\w./-]+/g) ?? [];
  return named
    .map((path) => (path.startsWith('dist/') ? path.slice('dist/'.length).replace(/js$/, 'ts') : path))
    .filter((path) => !existsSync(join(projectRoot, path)))
    .map((path) => `${command}: there is no ${path}`);
}

/** Names that no overlay has. */
function wrongInKubectl(command: string, overlays: readonly Overlay[]): string[] {
  const found: string[] = [];
  const need = (isThere: boolean, what: string): void => void (isThere || found.push(`${command}: ${what}`));
  for (const [kubectl] of command.matchAll(/\bkubectl (?!kustomize)[^|]*/g)) {
    const namespace = /--namespace (\S+)/.exec(kubectl)?.[1];
    need(namespace === 'threadweaver' || kubectl.includes('apply --filename'), 'no namespace');
    const pods = overlays.flatMap(({ workloads }) => workloads);
    const named = kubectl.matchAll(
      /(?<![-\w])(deploy|deployment|statefulset|hpa|service|job|cronjob)(?:\/| )((?:[a-z][\w-]* ?)+)/g,
    );
    for (const [, kind = '', names = ''] of named) {
      // `create job NAME` makes it.
      if (kind === 'job' && kubectl.includes('create job')) continue;
      for (const name of names.trim().split(' ')) {
        need(
          overlays.some((overlay) => overlay.find(kinds[kind] ?? '', name) !== undefined),
          `no ${kind} ${name}`,
        );
      }
    }
    for (const [, name] of kubectl.matchAll(/--container (\S+)/g)) {
      need(
        pods.some(({ pod }) => containersOf(pod).some((container) => container.name === name)),
        `no container ${name}`,
      );
    }
    for (const [, label = '', value] of kubectl.matchAll(/--selector (\S+?)=(\S+)/g)) {
      need(
        pods.some(({ labels }) => labels[label] === value),
        `no pod is ${label}=${value}`,
      );
    }
    for (const [, set = '', index] of kubectl.matchAll(/(?<= )(?:data-)?(nats|mysql)-(\d)\b/g)) {
      const sets = overlays.map((overlay) => overlay.find('StatefulSet', set)).filter((one) => one !== undefined);
      need(
        sets.some(({ spec }) => Number(index) < ((spec.replicas as number | undefined) ?? 1)),
        `no pod ${set}-${index}`,
      );
    }
    const secret = /create secret generic (\S+)/.exec(kubectl)?.[1];
    const wanted = new Set(
      pods.flatMap(({ pod }) =>
        containersOf(pod).flatMap(({ env = [] }) => {
          const ref = env.map(({ valueFrom }) => valueFrom?.secretKeyRef);
          return ref.flatMap((one) => (one?.name === secret ? [one?.key] : []));
        }),
      ),
    );
    if (secret !== undefined) {
      // What operators read themselves, who come as nobody's pod.
      for (const [, of, key] of runbookText.matchAll(/\$\(secret (\S+) (\S+)\)/g)) if (of === secret) wanted.add(key);
      for (const [, key] of kubectl.matchAll(/--from-literal=([\w-]+)=/g))
        need(wanted.has(key), `nobody reads the key ${key}`);
    }
  }
  return found;
}

/** What a block, or a text with code spans, names that is not there. */
function wrongIn(text: string, overlays: readonly Overlay[]): string[] {
  return [
    ...npmCommandsOf(text).flatMap(wrongInNpm),
    ...commandsOf(text).flatMap((command) => [...wrongFiles(command), ...wrongInKubectl(command, overlays)]),
  ];
}

/** All that services are made of, but tests. */
function sources(): string {
  return ['platform', 'services']
    .flatMap((folder) =>
      readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.ts') && !/(^|\/)(test|testing)\/|\.test\.ts$/.test(file))
    .map(fileText)
    .join('\n');
}

describe('The runbook', function () {
  this.timeout(60_000);
  const overlays: Overlay[] = [];
  const blocks = blocksOf(runbookText);

  before(async () => overlays.push(...(await Promise.all(overlayNames.map((name) => Overlay.render(name))))));

  it('says of each block of commands what was tried, and a shell can read it', () => {
    assert.ok(blocks.length > 15);
    for (const block of blocks) {
      assert.match(block, /^# (run|API server|cluster)\b/, block);
      const { status, stderr } = spawnSync('bash', ['-n'], { input: block, encoding: 'utf8' });
      assert.equal(status, 0, `${stderr}\n${block}`);
    }
  });

  it('names scripts, options, files, resources, containers, labels and keys that there are', () => {
    const inText = npmCommandsOf(runbookText.replaceAll(/`([^`\n]*)\n([^`\n]*)`/g, '`$1 $2`'));
    assert.ok(inText.length > 30);
    assert.deepEqual([...new Set(inText)].flatMap(wrongInNpm), []);
    assert.deepEqual(
      blocks.flatMap((block) => wrongIn(block, overlays)),
      [],
    );
    const spans = [...runbookText.matchAll(/`(kubectl [^`]*)`/g)].map(([, command = '']) => command);
    assert.ok(spans.length > 3);
    assert.deepEqual(
      spans.filter((span) => span.includes(' --namespace ')).flatMap((span) => wrongIn(span, overlays)),
      [],
    );
  });

  it('would be found to name what there is not', () => {
    const of = 'kubectl --namespace threadweaver';
    const wrong = [
      'npm run jurnal -- verify',
      'npm run admin -- thread journal verify --fast',
      'npm run admin -- thread projection rebuild --journal-restord',
      'npm start -- --instance 4',
      'k8s/roll-outs.sh k8s/overlays/eks',
      'node dist/services/admins.js',
      'kubectl get pods',
      `${of} scale deployment thread-command thread-commands --replicas=0`,
      `${of} exec deploy/thread-command --container thread -- node`,
      `${of} delete persistentvolumeclaim data-nats-3`,
      `${of} get pods --selector app.kubernetes.io/name=nat`,
      `${of} create secret generic mysql --from-literal=uri=x`,
      `${of} create job now --from=cronjob/journal-backups`,
    ];
    for (const command of wrong) assert.equal(wrongIn(command, overlays).length, 1, command);
  });

  it('explains log lines that programs write', () => {
    const table = /## Log lines\n([\s\S]*?)\n## /.exec(runbookText)?.[1] ?? '';
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const lines = rows.flatMap((row) =>
      [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, line]) => line ?? ''),
    );
    assert.ok(lines.length >= 15);
    const code = sources();
    assert.deepEqual(
      lines.filter((line) => !code.includes(line)),
      [],
    );
  });
});
