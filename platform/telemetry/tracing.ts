import type { Attributes, SpanKind as OtelSpanKind } from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace-base';
import { hostname } from 'node:os';
import type { Logger } from './logger.js';

/** How spans are recorded. What else OpenTelemetry's OTEL_* variables say (headers, batches, resource …), its SDK reads itself. */
export interface TracingSettings {
  /** The URL that takes spans by OTLP over HTTP, with its path. Empty: there are none, and no SDK is loaded. */
  readonly endpoint: string;
  readonly sampler: SamplerName;
  /** Which share of traces is recorded, 0 to 1, by samplers that go by a ratio. */
  readonly ratio: number;
}

export const samplerNames = [
  'parentbased_traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'traceidratio',
  'always_on',
  'always_off',
] as const;
export type SamplerName = (typeof samplerNames)[number];

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** A step of a trace that is recorded. */
export interface Span {
  /** What the steps below it have as their parent. */
  readonly traceparent: string;
  /** @param error what went wrong, in a word that bears nothing of a caller's */
  end(attributes?: Attributes, error?: string): void;
}

type StartSpan = (
  name: string,
  kind: SpanKind,
  parent: string | undefined,
  attributes: Attributes | undefined,
) => Span | undefined;

let active: StartSpan | undefined;

/** Whether any spans are recorded in this process. */
export function isTracing(): boolean {
  return active !== undefined;
}

/**
 * Begins a step of a trace. Contexts are handed on by hand, in what commands and commits carry, and not by the call stack:
 * a commit's trace goes on in another process, and a batch has commits of many traces.
 *
 * @param parent a `traceparent`; undefined when a trace begins here
 * @returns undefined when it is not recorded: then what comes below has the same parent
 */
export function startSpan(
  name: string,
  kind: SpanKind,
  parent: string | undefined,
  attributes?: Attributes,
): Span | undefined {
  return active?.(name, kind, parent, attributes);
}

/**
 * Records spans from now on, in this process.
 * @returns what sends the last ones, and ends it
 */
export async function startTracing(
  service: string,
  { endpoint, sampler, ratio }: TracingSettings,
  logger: Logger,
): Promise<() => Promise<void>> {
  if (endpoint === '') return () => Promise.resolve();
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  api.diag.setLogger(
    {
      error: (message) => logger.warn({ reason: message.slice(0, 500) }, 'spans could not be sent'),
      warn: (message) => logger.debug({ reason: message.slice(0, 500) }, 'OpenTelemetry'),
      info: () => undefined,
      debug: () => undefined,
      verbose: () => undefined,
    },
    { logLevel: api.DiagLogLevel.WARN },
  );
  const samplers: Readonly<Record<SamplerName, () => Sampler>> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio),
    parentbased_always_on: () => new sdk.ParentBasedSampler({ root: samplers.always_on() }),
    parentbased_always_off: () => new sdk.ParentBasedSampler({ root: samplers.always_off() }),
    parentbased_traceidratio: () => new sdk.ParentBasedSampler({ root: samplers.traceidratio() }),
  };
  const provider = new sdk.BasicTracerProvider({
    resource: resources
      .resourceFromAttributes({
        'service.name': service,
        'service.instance.id': `${hostname()}:${process.pid}`,
      })
      // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go first.
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    sampler: samplers[sampler](),
    // Bounded by OTEL_BSP_MAX_QUEUE_SIZE: what the receiver does not take is dropped.
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint }))],
  });
  const tracer = provider.getTracer('threadweaver');
  const kinds: Readonly<Record<SpanKind, OtelSpanKind>> = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  };
  const isParentBased = sampler.startsWith('parentbased');
  const { ROOT_CONTEXT, trace, SpanStatusCode, TraceFlags } = api;

  active = (name, kind, parent, attributes) => {
    let context = ROOT_CONTEXT;
    if (parent !== undefined) {
      const traceFlags = parseInt(parent.slice(53, 55), 16) & TraceFlags.SAMPLED;
      // Most: they cost nothing more.
      if (isParentBased && traceFlags === 0) return undefined;
      const parentContext = { traceId: parent.slice(3, 35), spanId: parent.slice(36, 52), traceFlags, isRemote: true };
      context = trace.setSpanContext(ROOT_CONTEXT, parentContext);
    }
    const span = tracer.startSpan(name, { kind: kinds[kind], ...(attributes && { attributes }) }, context);
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
      end(ended, error) {
        if (ended !== undefined) span.setAttributes(ended);
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', error);
        span.end();
      },
    };
  };
  logger.info({ endpoint: new URL(endpoint).origin, sampler, ratio }, 'recording traces');
  return async () => {
    active = undefined;
    // A receiver that is away must not hold up the end.
    await provider.shutdown().catch(() => undefined);
  };
}
