import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../mesh/servers/free-ports.js';
import { uploadReport } from '../report/upload-report.js';
import { ObjectStore, presignedPut, signatureOf } from './object-store.js';

const keys = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const files = [
  { name: 'report.html', type: 'text/html; charset=utf-8', content: '<p>p99 of 5 µs ✔</p>' },
  { name: 'report.json', type: 'application/json', content: '{"p99":0.005}' },
];

describe('A report that is uploaded', () => {
  const variables = [
    ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION', 'AWS_PROFILE'],
    ...['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', 'AWS_ENDPOINT_URL_STS', 'AWS_MAX_ATTEMPTS'],
  ];
  const before = Object.fromEntries(variables.map((name) => [name, process.env[name]]));
  const setVariables = (values: Readonly<Record<string, string | undefined>>): void => {
    for (const name of variables) {
      if (values[name] === undefined) delete process.env[name];
      else process.env[name] = values[name];
    }
  };
  const signedIn = { AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_REGION: 'eu-central-1' };

  let store: ObjectStore;
  let url: string;
  beforeEach(async () => {
    setVariables(signedIn);
    store = new ObjectStore('reports', keys);
    url = await store.start();
  });
  afterEach(() => {
    store.stop();
    setVariables(before);
  });

  it('is judged by a store that signs as Amazon documents it', () => {
    const date = '20130524T000000Z';
    const host = 'examplebucket.s3.amazonaws.com';
    const payload = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const headers = {
      host,
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-content-sha256': payload,
      'x-amz-date': date,
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    };
    const put = { method: 'PUT', path: '/test%24file.text', query: [], headers, payload, date, region: 'us-east-1' };
    // Of the page that signatureOf names, and of sigv4-query-string-auth.html beside it.
    assert.equal(signatureOf(put, keys.secret), '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
    const query = [
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', `${keys.id}/20130524/us-east-1/s3/aws4_request`],
      ['X-Amz-Date', date],
      ['X-Amz-Expires', '86400'],
      ['X-Amz-SignedHeaders', 'host'],
    ] as const;
    const get = { method: 'GET', path: '/test.txt', query, headers: { host }, payload: 'UNSIGNED-PAYLOAD', date };
    const found = signatureOf({ ...get, region: 'us-east-1' }, keys.secret);
    assert.equal(found, 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404');
  });

  it('is in the bucket as it was written, under the prefix', async () => {
    const places = await uploadReport('s3://reports/one day/100%/', files, url);
    assert.deepEqual(places, ['s3://reports/one day/100%/report.html', 's3://reports/one day/100%/report.json']);
    for (const { name, type, content } of files) {
      assert.deepEqual(store.objects.get(`/reports/one day/100%/${name}`), { type, text: content });
    }
    await uploadReport('s3://reports', files, url);
    assert.ok(store.objects.has('/reports/report.json'));
  });

  it('is uploaded with the keys of a role that a pod gets by its token (IRSA)', async () => {
    const temporary = new ObjectStore('reports', { ...keys, id: 'ASIATEMPORARY', token: 'of-a-session' });
    const endpoint = await temporary.start();
    const folder = await mkdtemp(join(tmpdir(), 'threadweaver-token-'));
    try {
      const tokenFile = join(folder, 'token');
      await writeFile(tokenFile, 'of-the-pod');
      setVariables({
        AWS_REGION: 'eu-central-1',
        AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
        AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/threadweaver-load',
        AWS_ENDPOINT_URL_STS: endpoint,
      });
      await uploadReport('s3://reports/irsa', files, endpoint);
      assert.deepEqual([...temporary.objects.keys()], ['/reports/irsa/report.html', '/reports/irsa/report.json']);
    } finally {
      temporary.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('is put to a presigned URL, which is a secret', async () => {
    const place = `${url}/reports/mine.html`;
    assert.deepEqual(await uploadReport(presignedPut(place, keys), files, undefined), [place]);
    assert.deepEqual(store.objects.get('/reports/mine.html'), { type: files[0]?.type, text: files[0]?.content });
    assert.equal(store.objects.size, 1);
  });

  it('is refused in words: wrong keys, no bucket, a URL for something else, nobody there', async () => {
    const refused = (place: string, endpoint?: string): Promise<string> =>
      uploadReport(place, files, endpoint).then(
        () => 'uploaded',
        (error: unknown) => (error as Error).message,
      );
    assert.match(await refused('s3://elsewhere/x', url), /NoSuchBucket/);
    const other = presignedPut(`${url}/reports/other.html`, keys).replace('other.html', 'mine.html');
    assert.match(await refused(other), /^http:\/\/127\.0\.0\.1:\d+ answered 403: .*SignatureDoesNotMatch/);
    setVariables({ ...signedIn, AWS_SECRET_ACCESS_KEY: 'stolen', AWS_MAX_ATTEMPTS: '1' });
    assert.match(await refused('s3://reports/x', url), /SignatureDoesNotMatch/);
    assert.equal(store.objects.size, 0);
    const nobody = `http://127.0.0.1:${await freePort()}`;
    assert.match(await refused(`${nobody}/reports/mine.html?X-Amz-Signature=secret`), /^http:[^?]*ECONNREFUSED/);
    assert.match(await refused('s3://reports/x', nobody), /ECONNREFUSED/);
  });
});
