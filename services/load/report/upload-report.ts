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
  return url.startsWith('s3://') ? toBucket(new URL(url), files, s3Endpoint) : toUrl(url, files.slice(0, 1));
}

async function toBucket(url: URL, files: readonly ReportFile[], endpoint: string | undefined): Promise<string[]> {
  // Only who uploads has to have it.
  const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Not every S3-compatible server knows the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const prefix = decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, '');
  try {
    const places: string[] = [];
    for (const { name, type, content } of files) {
      const key = prefix === '' ? name : `${prefix}/${name}`;
      await client.send(new PutObjectCommand({ Bucket: url.hostname, Key: key, Body: content, ContentType: type }));
      places.push(`s3://${url.hostname}/${key}`);
    }
    return places;
  } finally {
    client.destroy();
  }
}

async function toUrl(url: string, files: readonly ReportFile[]): Promise<string[]> {
  const { origin, pathname } = new URL(url);
  for (const { type, content } of files) {
    const headers = { 'content-type': type };
    const answer = await fetch(url, {
      method: 'PUT',
      body: content,
      headers,
      signal: AbortSignal.timeout(PUT_TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`${origin} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  }
  // A presigned URL's query is a secret.
  return [origin + pathname];
}
