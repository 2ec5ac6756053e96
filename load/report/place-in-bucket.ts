/** Where in S3 something is. */
export interface PlaceInBucket {
  readonly bucket: string;
  /** Of keys, with a `/` at its end unless it is empty. As it was written: S3's own tools decode nothing either. */
  readonly prefix: string;
}

/** Reads `s3://bucket` or `s3://bucket/prefix`. @returns undefined when it is neither */
export function placeInBucket(url: string): PlaceInBucket | undefined {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? [];
  if (bucket === undefined) return undefined;
  const trimmed = path.replaceAll(/^\/+|\/+$/g, '');
  return { bucket, prefix: trimmed === '' ? '' : `${trimmed}/` };
}
