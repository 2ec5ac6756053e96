import { Client, credentials, status } from '@grpc/grpc-js';

/** Calls whatever path, with an empty request. @throws Error with the status's name */
export async function makeGenericCall(address: string, path: string): Promise<void> {
  const client = new Client(address, credentials.createInsecure());
  const bytes = (value: Buffer): Buffer => value;
  try {
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), { deadline: Date.now() + 5_000 }, (error) =>
        error === null ? resolve() : reject(new Error(status[error.code])),
      );
    });
  } finally {
    client.close();
  }
}
