import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { projectRoot } from '../process/project-root.js';

/** A span that somebody has sent. */
export interface ReceivedSpan {
  /** `service.name` */
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty of the first one. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Takes spans by OTLP over HTTP. */
export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_TRACES_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** All that has come, byte for byte. */
  readonly bodies: readonly Buffer[];
  /** The spans of a trace, once `isComplete` says so. */
  trace(traceId: string, isComplete: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]>;
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value?: { readonly stringValue?: string };
}
interface Traces {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: Buffer;
        readonly spanId: Buffer;
        readonly parentSpanId: Buffer;
        readonly name: string;
        readonly attributes: readonly Attribute[];
      }[];
    }[];
  }[];
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const definition = loadSync(join(projectRoot, 'platform/testing/otlp-traces.proto'), { defaults: true });
  const { requestDeserialize } = (definition['otlp.TraceService'] as ServiceDefinition).Export as {
    requestDeserialize(bytes: Buffer): unknown;
  };
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      bodies.push(body);
      spans.push(...spansOf(requestDeserialize(body) as Traces));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    bodies,
    trace: (traceId, isComplete) =>
      new Promise((resolve) => {
        const look = (): void => {
          const own = spans.filter((span) => span.traceId === traceId);
          if (!isComplete(own)) return;
          waiting.delete(look);
          resolve(own);
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spansOf({ resourceSpans }: Traces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = textsOf(resource?.attributes ?? [])['service.name'] ?? '';
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId, name, attributes }) => ({
        ...{ service, name, traceId: traceId.toString('hex'), spanId: spanId.toString('hex') },
        ...{ parentSpanId: parentSpanId.toString('hex'), attributes: textsOf(attributes) },
      })),
    );
  });
}

function textsOf(attributes: readonly Attribute[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value?.stringValue ?? '']));
}
