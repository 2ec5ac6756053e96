import { Agent, type Dispatcher } from 'undici';
import { CallFailed } from './thread-api.js';

/** An answer, read wholly. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Buffer;
}

/** Above Envoy's heartbeats and a usual pause, below its idle time-out. */
const KEEP_ALIVE_MS = 60_000;

/** HTTP/1.1 with connections that are kept and never shared at the same time, as so many clients have them. */
export class HttpClient {
  // Deadlines are set for each request.
  readonly #agent = new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  /** @param origin of the edge, without a path */
  constructor(private readonly origin: string) {}

  /** @throws CallFailed when there is no whole answer by the deadline */
  async send(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body: string | Uint8Array | undefined,
    deadlineAt: number,
  ): Promise<HttpAnswer> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.max(deadlineAt - Date.now(), 1));
    try {
      const answer = await this.#agent.request({
        origin: this.origin,
        path,
        method,
        headers,
        body,
        signal: abort.signal,
      });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: Buffer.from(await answer.body.arrayBuffer()),
      };
    } catch (error) {
      if (abort.signal.aborted) throw new CallFailed('timeout', false);
      throw connectionFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An answer that comes bit by bit. @throws CallFailed also while it comes; ends silently when the signal is aborted */
  async *stream(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body: Uint8Array | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Buffer> {
    try {
      const answer = await this.#agent.request({ origin: this.origin, path, method, headers, body, signal });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw httpFailure(answer.statusCode);
      }
      for await (const chunk of answer.body) yield chunk as Buffer;
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof CallFailed ? error : connectionFailure(error);
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

const notReached = new Set([429, 502, 503]);

/** What a status that is no success is counted as. */
export function httpFailure(status: number): CallFailed {
  return new CallFailed(`HTTP ${status}`, notReached.has(status));
}

function connectionFailure(error: unknown): CallFailed {
  const { code, name } = error as { code?: string; name: string };
  return new CallFailed(`connection: ${code ?? name}`, true);
}
