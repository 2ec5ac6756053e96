import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { prometheusFolder } from '../servers/tools.js';
import type { PortClaim, ProcessComponent } from './component.js';
import { MeshError } from './mesh-error.js';

/** The page to begin with, made of Prometheus' console templates. */
export const DASHBOARD_PATH = '/consoles/threadweaver.html';

/** A process whose metrics are scraped. */
export interface ScrapeTarget {
  readonly service: string;
  /** The service's name for its first process, then `thread-command-2` and so on. */
  readonly process: string;
  /** On loopback. */
  readonly port: number;
}

/** What Prometheus needs to know. */
export interface PrometheusSettings {
  readonly dataDir: string;
  readonly claim: PortClaim;
  readonly targets: readonly ScrapeTarget[];
}

/** Prometheus on loopback, with the alert rules and the dashboard of mesh/telemetry. */
export function prometheusComponent({ dataDir, claim, targets }: PrometheusSettings): ProcessComponent {
  const folder = join(dataDir, 'prometheus');
  const configPath = join(folder, 'prometheus.yml');
  const telemetry = join(projectRoot, 'mesh', 'telemetry');
  const url = `http://127.0.0.1:${claim.port}`;
  return {
    kind: 'process',
    name: 'prometheus',
    dependsOn: [],
    ports: [claim],
    server: {
      name: 'prometheus',
      url,
      port: claim.port,
      prepare: async () => {
        const config = {
          global: { scrape_interval: '5s', scrape_timeout: '4s', evaluation_interval: '5s' },
          rule_files: [join(telemetry, 'alerts.yaml')],
          scrape_configs: [
            {
              job_name: 'threadweaver',
              static_configs: targets.map(({ service, process, port }) => ({
                targets: [`127.0.0.1:${port}`],
                labels: { job: service, instance: process },
              })),
            },
          ],
        };
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // JSON is YAML.
        await writeFile(configPath, JSON.stringify(config, undefined, 2));
      },
      command: () => {
        const files = join(prometheusFolder(), 'usr');
        return {
          command: join(files, 'bin', 'prometheus'),
          args: [
            `--config.file=${configPath}`,
            `--storage.tsdb.path=${join(folder, 'data')}`,
            '--storage.tsdb.retention.time=7d',
            `--web.listen-address=127.0.0.1:${claim.port}`,
            // No page of others reads it in a browser.
            `--web.cors.origin=${url.replaceAll('.', String.raw`\.`)}`,
            `--web.local-assets=${join(files, 'share', 'prometheus', 'web')}`,
            `--web.console.templates=${join(telemetry, 'consoles')}`,
            `--web.console.libraries=${join(files, 'share', 'doc', 'prometheus', 'examples', 'console_libraries')}`,
            '--log.level=warn',
          ],
        };
      },
      checkHealth: async () => {
        const { ok, status } = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(2_000) });
        if (!ok) throw new Error(`/-/ready answers ${status}`);
      },
    },
  };
}

/**
 * Installs Prometheus into .tools, the first time; shows its progress.
 * @throws MeshError when it cannot be had here
 */
export function installPrometheus(): void {
  const script = join(projectRoot, 'scripts', 'prepare.mjs');
  const { status } = spawnSync(process.execPath, [script, '--skip-compile', '--observe'], { stdio: 'inherit' });
  if (status !== 0)
    throw new MeshError('--observe needs Prometheus, which could not be installed. All else runs without --observe.');
}
