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
  readonly #agent = new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

  /** @param origin of the edge, without a path */
  constructor(private readonly origin: string) {}

  /** @throws CallFailed when there is no whole answer by the deadline, epoch milliseconds */
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
      const { signal } = abort;
      const answer = await this.#agent.request({ origin: this.origin, path, method, headers, body, signal });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, headers: answer.headers, body: bytes };
    } catch (error) {
      throw abort.signal.aborted ? new CallFailed('timeout', false) : connectionFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An answer that comes bit by bit. @throws CallFailed also while it comes; ends silently when the signal is aborted */
  async *get(path: string, headers: Record<string, string>, signal: AbortSignal): AsyncIterable<string> {
    try {
      const answer = await this.#agent.request({ origin: this.origin, path, method: 'GET', headers, signal });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw httpFailure(answer.statusCode);
      }
      answer.body.setEncoding('utf8');
      for await (const chunk of answer.body) yield chunk as string;
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
