import { join } from 'node:path';
import { LOCAL_SETTINGS_FILE } from '../../platform/process/local-installation.js';
import { ownCertificateOf } from './edge-certificate.js';
import { adminSocketOf } from './envoy-component.js';
import { type ServiceName, serviceNames, services } from '../services.js';
import { instancesOf } from './instances.js';
import type { MeshSettings } from './mesh-settings.js';
import { natsAddresses } from './nats-components.js';
import { DASHBOARD_PATH } from './prometheus-component.js';

// The example of the older system's document.
const ACCOUNT_ID = '01DB5QXD4NP0XQTV92K42B3XBF';
const CREATE_BODY =
  `{"accountId":"${ACCOUNT_ID}","title":"my thread","remarks":null,"parentThreadId":null,` +
  `"administratorIds":["${ACCOUNT_ID}"],"memberIds":[],"createAt":10000}`;

/** What a person sees once everything runs: where things listen, and three commands to try. */
export function greeting(settings: Omit<MeshSettings, 'secrets'>): string {
  const { ports, dataDir, natsUrl, mySqlUrl, listenHost } = settings;
  const nats = natsUrl === undefined ? natsAddresses(settings).replaceAll(',', ', ') : 'yours (NATS_URL)';
  const portsOf = (service: ServiceName) =>
    [service, ...instancesOf(service, settings).map(({ port }) => port)].join(' ') +
    (services[service].serves === 'health only' ? ' (health)' : '');
  const mySql = mySqlUrl === undefined ? `mysql://127.0.0.1:${ports.mySql}/threadweaver` : 'yours (MYSQL_URL)';
  const envoy = `localhost:${ports.envoy}`;
  const { certificate } = settings.certificateFiles ?? ownCertificateOf(dataDir);
  const observed = settings.observe
    ? `  dashboard         http://127.0.0.1:${ports.prometheus}${DASHBOARD_PATH}   alerts: /classic/alerts\n` +
      `  traces            ${settings.tracing?.endpoint || 'none: OTEL_EXPORTER_OTLP_ENDPOINT says where to'}\n`
    : '';
  const needsToken = settings.auth === 'jwt';
  const tokens = needsToken
    ? 'needed (AUTH=jwt)'
    : 'none needed: whoever reaches a port may act for any account (AUTH=jwt npm start asks for tokens)';
  const getToken = needsToken ? `  TOKEN=$(npm run --silent admin -- account token --account ${ACCOUNT_ID})\n` : '';
  const withToken = needsToken ? ' -H "authorization: Bearer $TOKEN"' : '';
  return `
Running. Ctrl-C stops everything; its state stays in ${dataDir}.

  everything        http://${envoy}   gRPC, gRPC-Web and REST${listenHost === '127.0.0.1' ? '' : `, on ${listenHost}`}
  the same by TLS   https://localhost:${ports.tls}   certificate: ${certificate}
  older REST ports  threads ${ports.threads}, messenger ${ports.messenger}, booking ${ports.booking}
  services          ${serviceNames.map(portsOf).join(', ')}
  behind them       ${nats}
                    ${mySql}
                    passwords: ${join(dataDir, LOCAL_SETTINGS_FILE)}
  tokens            ${tokens}
${observed}  Envoy's admin     curl --unix-socket ${adminSocketOf(dataDir)} localhost

Try:

${getToken}  curl -s http://${envoy}/v1/threads/create${withToken} -H 'content-type: application/json' -d '${CREATE_BODY}'
  curl -s${withToken} 'http://${envoy}/v1/threads?account_id=${ACCOUNT_ID}'
  grpcurl -plaintext${withToken} ${envoy} list
`;
}
