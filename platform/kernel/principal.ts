/** What somebody may do beyond what accounts may: look after the installation, or act for accounts. */
export type Role = 'administrator' | 'service';

/** Who calls, and for whom. */
export interface Principal {
  /** Id of the account, or `service:` and the service's name, that has proved who it is; undefined: nobody has. */
  readonly subject: string | undefined;
  /** Id of the account for which a service acts. @default the subject itself */
  readonly onBehalfOf?: string | undefined;
  /** @default none */
  readonly roles?: readonly Role[] | undefined;
  /** When the proof is over, in milliseconds since 1970. @default never */
  readonly expiresAt?: number | undefined;
}

/** Whoever has proved nothing. */
export const anonymous: Principal = { subject: undefined };
