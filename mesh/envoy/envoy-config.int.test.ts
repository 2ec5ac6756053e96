import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { envoyBinary } from '../servers/tools.js';
import { upstreams, type EnvoySettings } from './render-config.js';
import { testSettings, writeConfig } from './testing/start-envoy.js';

const run = promisify(execFile);

describe('Envoy configuration', () => {
  async function assertValid(overrides: Partial<EnvoySettings>): Promise<void> {
    const config = await writeConfig({ ...(await testSettings(50_051)), ...overrides });
    try {
      const { stderr } = await run(envoyBinary(process.env.ENVOY_BIN), ['--mode', 'validate', '-c', config.path]);
      assert.doesNotMatch(stderr, /deprecated|\[error\]|\[critical\]/i);
    } finally {
      await config.remove();
    }
  }

  it('is valid to Envoy itself, with several instances and origins', () =>
    assertValid({
      upstreams: upstreams(() => [50_051, 50_061].map((port) => ({ host: 'localhost', port }))),
      corsOrigins: 'https://(app|admin|beta|www)\\.example\\.(com|org|net|io)|http://localhost(:[0-9]+)?',
    }));

  for (const [sampler, endpoint] of [
    ['parentbased_traceidratio', 'http://127.0.0.1:4318/v1/traces'],
    ['parentbased_always_on', 'http://[::1]:4318/v1/traces'],
    ['always_off', 'https://otlp.example/v1/traces'],
  ] as const) {
    it(`is valid with traces by ${sampler} to ${endpoint}`, () =>
      assertValid({ tracing: { endpoint, sampler, ratio: 0.01 } }));
  }
});
