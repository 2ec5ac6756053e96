import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Who may write. */
export interface Keys {
  readonly id: string;
  readonly secret: string;
  /** Of temporary keys. */
  readonly token?: string;
}

/** What is signed of a request. */
export interface SignedRequest {
  readonly method: string;
  /** As it is in the request: encoded. */
  readonly path: string;
  /** Without the signature. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Those that are signed, with their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hash of the body, or UNSIGNED-PAYLOAD. */
  readonly payload: string;
  /** For instance 20130524T000000Z. */
  readonly date: string;
  readonly region: string;
}

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
const hmac = (key: string | Buffer, content: string): Buffer => createHmac('sha256', key).update(content).digest();

/** Signature version 4 for S3: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function signatureOf({ method, path, query, headers, payload, date, region }: SignedRequest, secret: string) {
  const encoded = (text: string): string =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const sorted = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort();
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
  const canonical = [method, path, sorted.join('&'), lines, names.join(';'), payload].join('\n');
  const scope = [date.slice(0, 8), region, 's3', 'aws4_request'];
  const key = scope.reduce<string | Buffer>((each, part) => hmac(each, part), `AWS4${secret}`);
  return hmac(key, ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n')).toString('hex');
}

/** A URL that lets whoever has it put this one object. */
export function presignedPut(url: string, { id, secret }: Keys): string {
  const place = new URL(url);
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const query: [string, string][] = [
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${id}/${date.slice(0, 8)}/eu-central-1/s3/aws4_request`],
    ['X-Amz-Date', date],
    ['X-Amz-Expires', '60'],
    ['X-Amz-SignedHeaders', 'host'],
  ];
  const headers = { host: place.host };
  const request = { method: 'PUT', path: place.pathname, query, headers, payload: 'UNSIGNED-PAYLOAD', date };
  const signature = signatureOf({ ...request, region: 'eu-central-1' }, secret);
  return `${url}?${new URLSearchParams([...query, ['X-Amz-Signature', signature]]).toString()}`;
}

/** An object as it was put. */
export interface StoredObject {
  readonly type: string | undefined;
  readonly text: string;
}

/**
 * As much of S3 as a PUT needs, by path: it takes what `keys` signed, in headers or in the URL, and nothing else. And as much of
 * STS as IRSA needs: it gives `keys` for the token `of-the-pod`.
 */
export class ObjectStore {
  /** By `/bucket/key`. */
  readonly objects = new Map<string, StoredObject>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(
    private readonly bucket: string,
    private readonly keys: Keys,
  ) {}

  async start(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://store');
    const refuse = (status: number, code: string): void => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no: ${code}</Message></Error>`);
    };
    if (request.method === 'POST') return this.#giveKeys(new URLSearchParams(body.toString()), response, refuse);
    if (request.method !== 'PUT') return refuse(405, 'MethodNotAllowed');
    if (!this.#isSigned(request, body, pathname, searchParams)) return refuse(403, 'SignatureDoesNotMatch');
    if (!pathname.startsWith(`/${this.bucket}/`)) return refuse(404, 'NoSuchBucket');
    const object = { type: request.headers['content-type'], text: body.toString() };
    this.objects.set(decodeURIComponent(pathname), object);
    response.setHeader('etag', '"0"').end();
  }

  #isSigned({ method = '', headers }: IncomingMessage, body: Buffer, path: string, query: URLSearchParams): boolean {
    const form = /^AWS4-HMAC-SHA256 Credential=(.+?), ?SignedHeaders=(.+?), ?Signature=(\w+)$/;
    const [, credential, names, signature] = form.exec(headers.authorization ?? '') ?? [
      '',
      query.get('X-Amz-Credential') ?? '',
      query.get('X-Amz-SignedHeaders') ?? '',
      query.get('X-Amz-Signature') ?? '',
    ];
    const [id, , region = ''] = credential?.split('/') ?? [];
    const signed = names?.split(';') ?? [];
    const hash = headers['x-amz-content-sha256'];
    const isInUrl = headers.authorization === undefined;
    if (id !== this.keys.id || !signed.includes('host')) return false;
    if (!isInUrl && hash !== sha256(body)) return false;
    if (this.keys.token !== undefined && headers['x-amz-security-token'] !== this.keys.token) return false;
    const found = signatureOf(
      {
        method,
        path,
        query: [...query].filter(([name]) => name !== 'X-Amz-Signature'),
        headers: Object.fromEntries(signed.map((name) => [name, String(headers[name])])),
        payload: isInUrl ? 'UNSIGNED-PAYLOAD' : String(hash),
        date: isInUrl ? (query.get('X-Amz-Date') ?? '') : String(headers['x-amz-date']),
        region,
      },
      this.keys.secret,
    );
    return found === signature;
  }

  /** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
  #giveKeys(asked: URLSearchParams, response: ServerResponse, refuse: (status: number, code: string) => void): void {
    const isKnown = asked.get('Action') === 'AssumeRoleWithWebIdentity';
    if (!isKnown || asked.get('WebIdentityToken') !== 'of-the-pod') return refuse(403, 'InvalidIdentityToken');
    const { id, secret, token } = this.keys;
    const until = new Date(Date.now() + 3_600_000).toISOString();
    response.setHeader('content-type', 'text/xml').end(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${token}</SessionToken>
<Expiration>${until}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  }
}
