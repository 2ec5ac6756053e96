/** A type of aggregate's rejections as bytes. Decoders throw when the bytes are none. */
export interface RejectionCodec<Rejection> {
  encodeRejection(rejection: Rejection): Uint8Array;
  decodeRejection(data: Uint8Array): Rejection;
}

/** Its commands, too. */
export interface CommandCodec<Command, Rejection> extends RejectionCodec<Rejection> {
  encodeCommand(command: Command): Uint8Array;
  decodeCommand(data: Uint8Array): Command;
}

/**
 * Commands and rejections that are plain data, as JSON. It costs the hop to another instance less than protobuf does
 * (decision 43); what both ends may not agree on is only what two neighbouring versions of a process call by other names.
 */
export function jsonCommandCodec<Command, Rejection>(): CommandCodec<Command, Rejection> {
  const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  const decode = (data: Uint8Array): unknown => JSON.parse(Buffer.from(data).toString());
  return {
    encodeCommand: encode,
    decodeCommand: (data) => decode(data) as Command,
    encodeRejection: encode,
    decodeRejection: (data) => decode(data) as Rejection,
  };
}

/** Is it from that codec? No protobuf message begins so: its first field would be a group. */
export function isJsonObject(data: Uint8Array): boolean {
  return data[0] === 0x7b;
}
