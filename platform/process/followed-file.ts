import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { toError } from '../kernel/fault.js';

export interface FollowedFileOptions<Value> {
  readonly path: string;
  /** Makes the value of what stands in the file; what it throws of a changed one goes to `onTrouble`. */
  readonly parse: (text: string) => Value;
  /** Is told why a changed file is not taken; the value stays as it was. */
  readonly onTrouble: (error: Error) => void;
  /** How often the file is looked at, in milliseconds. @default 1000 */
  readonly everyMs?: number;
}

/**
 * What a file says, read again whenever it changes. It is looked at rather than watched: a Secret that Kubernetes mounts is
 * exchanged behind a link, of which the kernel tells nothing.
 */
export class FollowedFile<Value> {
  #value: Value;
  readonly #stop: () => void;

  /** @throws what reading or parsing throws: there has to be something to begin with */
  constructor({ path, parse, onTrouble, everyMs = 1_000 }: FollowedFileOptions<Value>) {
    this.#value = parse(readFileSync(path, 'utf8'));
    const onChange = (): void => {
      try {
        this.#value = parse(readFileSync(path, 'utf8'));
      } catch (error) {
        onTrouble(toError(error));
      }
    };
    watchFile(path, { interval: everyMs, persistent: false }, onChange);
    this.#stop = () => unwatchFile(path, onChange);
  }

  get value(): Value {
    return this.#value;
  }

  /** Follows it no longer. */
  close(): void {
    this.#stop();
  }
}
