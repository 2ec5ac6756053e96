import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { run, tryRun } from '../verify-mesh/run.js';

/** What an image says of itself, as Docker writes it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

/** How the Dockerfile is asked for an image. */
export interface Recipe {
  readonly service: string;
  /** Undefined for what listens on nothing. */
  readonly port?: number;
  /** Which packages it does without. @default the Dockerfile's: optional */
  readonly omit?: string;
  readonly mostBytes: number;
}

/** An image that was built. */
export interface Image {
  readonly service: string;
  readonly name: string;
  readonly config: ImageConfig;
  /** Digests of its layers' content, the base's first. */
  readonly layers: readonly string[];
}

/** A file of an image. */
export interface ImageFile {
  readonly path: string;
  readonly bytes: number;
  readonly hash: string;
}

const BASE = 'localhost/node';
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** buildah with a storage of its own, which nothing else sees. Works as root, without a daemon. */
export class Builder {
  constructor(private readonly folder: string) {}

  /**
   * Installs buildah from Debian where it is missing.
   * @throws Error when this is not root
   */
  static async prepare(report: (line: string) => void): Promise<void> {
    if (process.getuid?.() !== 0) throw new Error('verify:images has to run as root: it mounts what it built');
    if ((await tryRun('buildah', ['--version'])).code === 0) return;
    report("installing Debian's buildah …");
    const options = ['install', '--yes', '--no-install-recommends', 'buildah'];
    await run('apt-get', options, { timeoutMs: 300_000, env: { DEBIAN_FRONTEND: 'noninteractive' } });
  }

  /** Makes an image of this machine's Node, with npm and a shell, in the place of those that the Dockerfile names. */
  async makeBase(): Promise<void> {
    const root = join(this.folder, 'base');
    for (const path of ['usr/bin', 'usr/lib/node_modules', 'root', 'proc', 'dev', 'sys', dirname(certificates)]) {
      await mkdir(join(root, path), { recursive: true });
    }
    await mkdir(join(root, 'tmp'), { mode: 0o1777 });
    await symlink('usr/bin', join(root, 'bin'));
    const node = process.execPath;
    for (const [from, to] of [
      [node, 'usr/bin/node'],
      ['/bin/sh', 'usr/bin/sh'],
      ['/bin/rm', 'usr/bin/rm'],
      ['/usr/bin/env', 'usr/bin/env'],
    ] as const) {
      await copyFile(from, join(root, to));
      for (const library of (await run('ldd', [from])).stdout.match(/\/\S+/g) ?? []) {
        await mkdir(join(root, dirname(library)), { recursive: true });
        await copyFile(library, join(root, library), constants.COPYFILE_FICLONE);
      }
    }
    const modules = (await run('npm', ['root', '--global'])).stdout.trim();
    await cp(join(modules, 'npm'), join(root, 'usr/lib/node_modules/npm'), { recursive: true });
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/bin/npm'));
    await copyFile(certificates, join(root, certificates));
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    const lines = [
      'FROM scratch',
      'COPY base /',
      // What npm has on this machine, it does not ask its registry for.
      `ENV PATH=/usr/bin:/bin NODE_EXTRA_CA_CERTS=${certificates} npm_config_prefer_offline=true`,
    ];
    await writeFile(join(this.folder, 'Basefile'), `${lines.join('\n')}\n`);
    await this.#bud(['--tag', BASE, '--file', join(this.folder, 'Basefile')], this.folder);
  }

  /** Builds the project's Dockerfile for a service. */
  async build({ service, port, omit }: Recipe): Promise<Image> {
    const name = `localhost/${service}`;
    const values = { BUILDER: BASE, RUNTIME: BASE, SERVICE: service, GRPC_PORT: port, OMIT: omit };
    const args = Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : ['--build-arg', `${key}=${value}`],
    );
    const npmCache = join(homedir(), '.npm');
    await mkdir(npmCache, { recursive: true });
    await this.#bud(['--layers', '--volume', `${npmCache}:/root/.npm`, ...args, '--tag', name], projectRoot);
    const { stdout } = await this.#buildah(['inspect', '--type', 'image', name]);
    const { Docker: docker } = JSON.parse(stdout) as {
      Docker: { config: ImageConfig; rootfs: { diff_ids: readonly string[] } };
    };
    return { service, name, config: docker.config, layers: docker.rootfs.diff_ids };
  }

  /** The files that an image has above its base. */
  async contentOf(image: Image): Promise<ImageFile[]> {
    const root = await this.mount(image);
    const files: ImageFile[] = [];
    for (const entry of await readdir(join(root, image.config.WorkingDir), { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const path = join(entry.parentPath, entry.name);
      const content = entry.isSymbolicLink() ? Buffer.from(await readlink(path)) : await readFile(path);
      const hash = createHash('sha256').update(content).digest('hex');
      files.push({ path: path.slice(root.length), bytes: content.length, hash });
    }
    return files;
  }

  /** A container's root folder. */
  async mount(image: Image): Promise<string> {
    const container = (await this.#buildah(['from', image.name])).stdout.trim();
    return (await this.#buildah(['mount', container])).stdout.trim();
  }

  /** Forgets all containers and leaves nothing mounted, so that the folder can be removed. */
  async clear(): Promise<void> {
    await this.#buildah(['rm', '--all']);
    await tryRun('umount', [join(this.folder, 'storage', 'overlay')]);
  }

  async #bud(options: readonly string[], context: string): Promise<void> {
    // Docker's format: OCI's knows no HEALTHCHECK. The chroot needs no rights that a container lacks.
    const always = ['--isolation', 'chroot', '--format', 'docker', '--timestamp', '0', '--quiet'];
    await this.#buildah(['bud', ...always, ...options, context]);
  }

  async #buildah(args: readonly string[]) {
    const storage = ['--root', join(this.folder, 'storage'), '--runroot', join(this.folder, 'run')];
    return run('buildah', [...storage, '--storage-driver', 'overlay', ...args], { timeoutMs: 20 * 60_000 });
  }
}
