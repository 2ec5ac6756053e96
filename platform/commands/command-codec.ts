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
