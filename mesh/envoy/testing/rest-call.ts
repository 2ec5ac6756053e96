/** What a REST client got. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** As it came, so that tests can compare JSON to the character. */
  readonly text: string;
  readonly json: unknown;
}

/** Sends bytes or text as they are, with `content-type: application/json` unless other headers say otherwise. */
export async function post(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<RestAnswer> {
  return call(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<RestAnswer> {
  return call(url, { headers });
}

export async function call(url: string, init: RequestInit): Promise<RestAnswer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
