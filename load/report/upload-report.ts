import { type PlaceInBucket, placeInBucket } from './place-in-bucket.js';
import type { ReportFile } from './save-report.js';

const PUT_TIMEOUT_MS = 60_000;

/**
 * Puts the files into a bucket. `s3://bucket/prefix`: all of them, with credentials from the usual chain (environment,
 * profile, IRSA, instance). A URL of http(s), such as a presigned one: a PUT of the first.
 * @param s3Endpoint of an S3-compatible server @default Amazon's, or what AWS_ENDPOINT_URL_S3 says
 * @returns where they are now
 * @throws Error that says what the server answered
 */
export async function uploadReport(
  url: string,
  files: readonly ReportFile[],
  s3Endpoint: string | undefined,
): Promise<string[]> {
  const place = placeInBucket(url);
  return place === undefined ? toUrl(url, files.slice(0, 1)) : toBucket(place, files, s3Endpoint);
}

async function toBucket(
  { bucket, prefix }: PlaceInBucket,
  files: readonly ReportFile[],
  endpoint: string | undefined,
): Promise<string[]> {
  // Only who uploads has to have it.
  const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Not every S3-compatible server knows the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  try {
    const places: string[] = [];
    for (const { name, type, content } of files) {
      const key = prefix + name;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content, ContentType: type }));
      places.push(`s3://${bucket}/${key}`);
    }
    return places;
  } finally {
    client.destroy();
  }
}

async function toUrl(url: string, files: readonly ReportFile[]): Promise<string[]> {
  const { origin, pathname } = new URL(url);
  for (const { type, content } of files) {
    const answer = await put(url, type, content).catch((error: unknown) => {
      throw new Error(`${origin}: ${reasonOf(error)}`, { cause: error });
    });
    if (!answer.ok) throw new Error(`${origin} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  }
  // A presigned URL's query is a secret.
  return [origin + pathname];
}

function put(url: string, type: string, body: string): Promise<Response> {
  const headers = { 'content-type': type };
  return fetch(url, { method: 'PUT', body, headers, signal: AbortSignal.timeout(PUT_TIMEOUT_MS) });
}

/** `fetch failed` alone says nothing. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: deeper = '' } = (cause ?? {}) as { code?: string; message?: string };
  return [message, deeper === '' ? code : deeper].filter(Boolean).join(': ');
}
