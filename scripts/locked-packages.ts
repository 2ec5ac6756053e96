import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../platform/process/project-root.js';

/** An entry of package-lock.json. */
export interface LockedPackage {
  /** Where it is installed, such as `node_modules/a/node_modules/b`. */
  readonly path: string;
  readonly version?: string;
  readonly integrity?: string;
  /** Where from; absent: the registry that npm is set up for. */
  readonly resolved?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}

/** All packages that package-lock.json names, but for the project itself. */
export function lockedPackages(): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Omit<LockedPackage, 'path'>>;
  };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ path, ...entry }));
}

/** Whether an image holds it: not what only development needs. */
export function isShipped({ dev, devOptional }: LockedPackage): boolean {
  return dev !== true && devOptional !== true;
}

/** Of what is shipped by its licence, as docs/licences.md shows it; those of other systems, which npm leaves out here, too. */
export function licencesDocument(): string {
  const byLicence = new Map<string, Set<string>>();
  for (const found of lockedPackages().filter(isShipped)) {
    const name = `${found.path.replace(/^.*node_modules\//, '')} ${found.version}`;
    const licence = found.license ?? 'none named';
    byLicence.set(licence, (byLicence.get(licence) ?? new Set()).add(name));
  }
  const rows = [...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, names]) => `| ${licence} | ${[...names].sort().join(', ')} |`);
  return [
    '# Licences of what is shipped',
    '',
    'Written by `npm run gen` out of `package-lock.json`; `npm test` fails when it is not, or when a licence is none of the permissive ones that `scripts/supply-chain.test.ts` names.',
    'These are the packages in the images of services and load generator. What only develops and tests them is not in it. The same, with versions and hashes, for',
    'programs: `sbom.cdx.json`, which the pipelines make (`scripts/supply-chain.sh`).',
    '',
    '| licence | packages |',
    '|---|---|',
    ...rows,
    '',
    'The images stand on Node (MIT). Beside them run, as processes of their own that no image of ours holds: nats-server and Envoy (Apache-2.0), MariaDB or MySQL (GPL-2.0).',
    '',
  ].join('\n');
}
