import { migrationSettings } from '../platform/admin/command-line/config.js';
import { feedSettings, installation, mysqlUrl } from '../platform/composition/backend-settings.js';
import { serverSettings } from '../platform/composition/server-settings.js';
import { type ServiceManifest, serviceNames, services } from '../mesh/services.js';
import { logFileSettings } from '../mesh/local/mesh-settings.js';
import { type SettingsTable, variablesOf } from '../platform/process/settings.js';
import { accountSettings } from '../services/account/config.js';
import { threadCommandSettings } from '../services/thread/command/config.js';
import { threadProjectorSettings } from '../services/thread/projector/config.js';
import { threadQuerySettings } from '../services/thread/query/config.js';

const { installation: _, ...backend } = { ...feedSettings, mysqlUrl };

/** The tables of docs/settings.md, by the name in the comment that stands before each. */
const tables: Readonly<Record<string, SettingsTable>> = {
  'every service': serverSettings(0),
  'the installation': { installation },
  'NATS and MySQL': backend,
  'logs of the local mesh': logFileSettings,
  'thread-command': threadCommandSettings,
  'thread-projector': threadProjectorSettings,
  'thread-query': threadQuerySettings,
  account: accountSettings,
  migrations: migrationSettings,
};

/** What several services have is shown once. */
const shown = ['every service', 'the installation', 'NATS and MySQL'];
const shared = new Set(shown.flatMap((name) => variablesOf(tables[name] ?? {}).map((variable) => variable.name)));

function rowsOf(name: string, table: SettingsTable): string {
  const rows = variablesOf(table)
    .filter((variable) => shown.includes(name) || !shared.has(variable.name))
    .map((variable) => `| \`${variable.name}\` | ${variable.default} | ${variable.meaning} |`);
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** The services of the mesh, as its manifest has them. */
function servicesTable(): string {
  const rows = serviceNames.map((name) => {
    const { ports, serves, maxInstances }: ServiceManifest = services[name];
    return `| ${name} | ${ports.grpc} | ${ports.admin ?? 'none'} | ${ports.jwks ?? 'none'} | ${serves} | ${maxInstances} |`;
  });
  return [
    '| service | port | for operators | public keys | serves | instances of `npm start`, at most |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** The text of docs/settings.md with its tables as the code has them now. */
export function withSettingsTables(document: string): string {
  const rendered = Object.entries(tables).map(([name, table]) => [name, rowsOf(name, table)] as const);
  return [['services', servicesTable()] as const, ...rendered].reduce((text, [name, rows]) => {
    const [begin, end] = [`<!-- table: ${name} -->\n`, '\n<!-- end -->'];
    const from = text.indexOf(begin) + begin.length;
    const to = text.indexOf(end, from);
    if (from < begin.length || to < 0) throw new Error(`docs/settings.md has no place for the table of ${name}`);
    return text.slice(0, from) + rows + text.slice(to);
  }, document);
}
