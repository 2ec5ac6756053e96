import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { headers } from '@nats-io/transport-node';
import { ExportRecord, type ExportedCommit } from '../../../gen/threadweaver/journal/v1/export.js';
import type { StoredCommit } from '../../nats/raw-journal.js';
import { Fault } from '../../kernel/fault.js';

const FORMAT = 'threadweaver-journal';
const FORMAT_VERSION = 1;
/** No message in NATS may be larger than 64 MiB. */
const MAX_RECORD_BYTES = 65 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;
/** A varint of a length is at most so long. */
const MAX_LENGTH_BYTES = 5;

/** What a whole file holds. */
export interface ExportSummary {
  readonly aggregates: number;
  readonly commits: number;
  /** Lower-case hexadecimal, of all that comes before the trailer. */
  readonly sha256: string;
}

/** A commit in a file. */
export interface FiledCommit extends StoredCommit {
  readonly aggregateId: string;
}

/** Writes an exported journal (proto/threadweaver/journal/v1/export.proto). The file is there when it is whole, not before. */
export class ExportFileWriter {
  readonly #hash = createHash('sha256');
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #aggregates = 0;
  #commits = 0;
  #lastAggregateId: string | undefined;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws Fault reason FILE_EXISTS */
  static async create(path: string, prefix: string): Promise<ExportFileWriter> {
    const exists = await stat(path).then(
      () => true,
      () => false,
    );
    if (exists) throw new Fault('already-exists', 'FILE_EXISTS', `${path} exists already`);
    const writer = new ExportFileWriter(path, await open(partial(path), 'w'));
    const value = { format: FORMAT, formatVersion: FORMAT_VERSION, prefix, exportTime: new Date() };
    await writer.#write({ record: { $case: 'header', value } });
    return writer;
  }

  /** All commits of one aggregate, in order, before those of the next. */
  async add(aggregateId: string, { version, headers: own, data }: StoredCommit): Promise<void> {
    if (aggregateId !== this.#lastAggregateId) this.#aggregates += 1;
    this.#lastAggregateId = aggregateId;
    this.#commits += 1;
    const list = [...own].flatMap(([name, values]) => values.map((value) => ({ name, value })));
    const value = { aggregateId, version: BigInt(version), headers: list, data: Buffer.from(data) };
    await this.#write({ record: { $case: 'commit', value } });
  }

  async finish(): Promise<ExportSummary> {
    const digest = this.#hash.copy().digest();
    const [aggregates, commits] = [this.#aggregates, this.#commits];
    const value = { aggregates: BigInt(aggregates), commits: BigInt(commits), sha256: digest };
    await this.#write({ record: { $case: 'trailer', value } });
    await this.#flush();
    await this.file.sync();
    await this.file.close();
    await rename(partial(this.path), this.path);
    return { aggregates, commits, sha256: digest.toString('hex') };
  }

  /** Leaves no file. */
  async abandon(): Promise<void> {
    await this.file.close();
    await rm(partial(this.path), { force: true });
  }

  async #write(record: ExportRecord): Promise<void> {
    const body = ExportRecord.encode(record).finish();
    for (const bytes of [new BinaryWriter().uint32(body.length).finish(), body]) {
      this.#hash.update(bytes);
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.file.writeFile(bytes);
  }
}

/**
 * The commits of a file, and at the end, if all of it was as its trailer says, what it holds.
 * @throws Fault kind `data-loss`, reason DAMAGED_EXPORT: it is none, of an unknown version, cut off or changed
 */
export async function* readExportFile(path: string): AsyncGenerator<FiledCommit, ExportSummary> {
  const hash = createHash('sha256');
  let aggregates = 0;
  let commits = 0;
  let lastAggregateId: string | undefined;
  let hasHeader = false;
  let summary: ExportSummary | undefined;
  for await (const [bytes, record] of readRecords(path)) {
    if (summary !== undefined) throw damaged(path, 'goes on behind its end');
    if (!hasHeader && record?.$case !== 'header') throw damaged(path, 'is no exported journal');
    switch (record?.$case) {
      case 'header': {
        const { format, formatVersion } = record.value;
        if (hasHeader || format !== FORMAT) throw damaged(path, 'is no exported journal');
        if (formatVersion !== FORMAT_VERSION) throw damaged(path, `has format version ${formatVersion}, unknown here`);
        hasHeader = true;
        break;
      }
      case 'commit':
        if (record.value.aggregateId !== lastAggregateId) aggregates += 1;
        lastAggregateId = record.value.aggregateId;
        commits += 1;
        yield commitOf(record.value);
        break;
      case 'trailer': {
        const sha256 = hash.digest('hex');
        const isWhole = record.value.commits === BigInt(commits) && record.value.aggregates === BigInt(aggregates);
        if (!isWhole) throw damaged(path, `has ${commits} commits where ${record.value.commits} must be`);
        if (record.value.sha256.toString('hex') !== sha256) throw damaged(path, 'has another SHA-256 than it says');
        summary = { aggregates, commits, sha256 };
        break;
      }
      default:
        throw damaged(path, 'has a record of an unknown kind');
    }
    if (summary === undefined) hash.update(bytes);
  }
  if (summary === undefined) throw damaged(path, 'is cut off');
  return summary;
}

/** Each record with the bytes that it was read from, its length included. */
async function* readRecords(path: string): AsyncIterable<[Uint8Array, ExportRecord['record']]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: WRITE_BYTES })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (;;) {
      const end = endOfRecord(path, rest, start);
      if (end === undefined || end.behind > rest.length) break;
      yield [rest.subarray(start, end.behind), decodeRecord(path, rest.subarray(end.body, end.behind))];
      start = end.behind;
    }
    rest = rest.subarray(start);
  }
  if (rest.length > 0) throw damaged(path, 'is cut off');
}

/** Where the body of the record at `start` begins and ends; undefined while its length is not there. */
function endOfRecord(path: string, bytes: Buffer, start: number): { body: number; behind: number } | undefined {
  const head = bytes.subarray(start, start + MAX_LENGTH_BYTES);
  if (head.every((byte) => byte >= 0x80)) {
    if (head.length === MAX_LENGTH_BYTES) throw damaged(path, 'has a record without length');
    return undefined;
  }
  const reader = new BinaryReader(head);
  const length = reader.uint32();
  if (length > MAX_RECORD_BYTES) throw damaged(path, `has a record of ${length} bytes`);
  return { body: start + reader.pos, behind: start + reader.pos + length };
}

function decodeRecord(path: string, body: Uint8Array): ExportRecord['record'] {
  try {
    return ExportRecord.decode(body).record;
  } catch (error) {
    throw damaged(path, 'has a record that cannot be decoded', error);
  }
}

function commitOf({ aggregateId, version, headers: list, data }: ExportedCommit): FiledCommit {
  const own = headers();
  for (const { name, value } of list) own.append(name, value);
  return { aggregateId, version: Number(version), headers: own, data };
}

function partial(path: string): string {
  return `${path}.partial`;
}

export function damaged(path: string, how: string, cause?: unknown): Fault {
  return new Fault('data-loss', 'DAMAGED_EXPORT', `${path} ${how}`, { cause });
}
