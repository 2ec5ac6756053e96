import { choice, combined, httpUrl, invalidSetting, type Setting, text } from '../process/settings.js';
import { samplerNames, type TracingSettings } from '../telemetry/tracing.js';

/** OpenTelemetry's own variables, as far as they are looked at here (docs/observability.md). */
export const tracingSettings: Setting<TracingSettings> = combined(
  {
    endpoint: httpUrl(
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      { default: '' },
      'where spans go, such as `http://127.0.0.1:4318` ([traces](observability.md#traces)); without it there are none, and no SDK is loaded. The other `OTEL_*` variables of exporter, batches and resource are OpenTelemetry’s',
    ),
    traces: httpUrl(
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
      { default: '' },
      'the same, with the whole path, such as `http://127.0.0.1:4318/v1/traces`',
    ),
    protocol: choice(
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      ['http/protobuf'],
      { default: 'http/protobuf' },
      'no other is spoken',
    ),
    isOff: choice(
      'OTEL_SDK_DISABLED',
      ['true', 'false'],
      { default: 'false' },
      '`true`: no traces, whatever else is set',
    ),
    sampler: choice(
      'OTEL_TRACES_SAMPLER',
      samplerNames,
      { default: 'parentbased_traceidratio' },
      `which traces are recorded: ${samplerNames.map((name) => `\`${name}\``).join(', ')}. \`parentbased\`: as the caller’s \`traceparent\` says, if there is one; Envoy of \`npm start\` goes by it, too`,
    ),
    ratio: text('OTEL_TRACES_SAMPLER_ARG', { default: '0.01' }, 'the share of traces, 0 to 1, of a sampler by ratio'),
  },
  ({ endpoint, traces, isOff, sampler, ratio }) => {
    const share = Number(ratio);
    if (!(share >= 0 && share <= 1)) {
      throw invalidSetting(`OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(ratio)}, must be a number from 0 to 1`);
    }
    const whole = traces || (endpoint && `${endpoint.replace(/\/$/, '')}/v1/traces`);
    return { endpoint: isOff === 'true' ? '' : whole, sampler, ratio: share };
  },
);
