import type { RunningMesh } from '../../mesh/local/index.js';
import { signerOf } from './callers.js';

const RENEW_EVERY_MS = 60_000;

/** Says that calls are a service's, which may act for any account, by a token that counts as long as this is not stopped. */
export class ServiceIdentity {
  headers: Readonly<Record<string, string>> = {};
  readonly #timer: NodeJS.Timeout;

  private constructor(private readonly mesh: RunningMesh) {
    this.#timer = setInterval(() => void this.#renew(), RENEW_EVERY_MS);
  }

  static async of(mesh: RunningMesh): Promise<ServiceIdentity> {
    const identity = new ServiceIdentity(mesh);
    await identity.#renew();
    return identity;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    const token = await signerOf(this.mesh).sign({ subject: 'service:fuzz', roles: ['service'] });
    this.headers = { authorization: `Bearer ${token}` };
  }
}
