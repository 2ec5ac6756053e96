import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { envoyBinary } from '../servers/tools.js';
import { upstreams } from './render-config.js';
import { testSettings, writeConfig } from './testing/start-envoy.js';

const run = promisify(execFile);

describe('Envoy configuration', () => {
  it('is valid to Envoy itself, with several instances and origins', async () => {
    const settings = await testSettings(50_051);
    const config = await writeConfig({
      ...settings,
      upstreams: upstreams((name) => [...settings.upstreams[name], { host: 'localhost', port: 50_061 }]),
      corsOrigins: 'https://(app|admin|beta|www)\\.example\\.(com|org|net|io)|http://localhost(:[0-9]+)?',
    });
    try {
      const { stderr } = await run(envoyBinary(process.env.ENVOY_BIN), ['--mode', 'validate', '-c', config.path]);
      assert.doesNotMatch(stderr, /deprecated|\[error\]|\[critical\]/i);
    } finally {
      await config.remove();
    }
  });
});
