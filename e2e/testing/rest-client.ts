/** An answer of the older REST API. */
export interface RestAnswer {
  readonly status: number;
  readonly text: string;
  /** Undefined when it is no JSON. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into it as it likes
  readonly json: any;
}

/** The older REST API as its clients use it, at one base URL. */
export class RestClient {
  constructor(readonly url: string) {}

  /** @param body an object, or text or bytes to send as they are */
  post(path: string, body: object | string | Uint8Array, headers: Record<string, string> = {}): Promise<RestAnswer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.#send(path, { method: 'POST', body: raw, headers: { 'content-type': 'application/json', ...headers } });
  }

  get(path: string): Promise<RestAnswer> {
    return this.#send(path, {});
  }

  async #send(path: string, init: RequestInit): Promise<RestAnswer> {
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, text, json };
  }
}
