/** Who calls, and for whom. */
export interface Principal {
  /** Id of the account or service that has proved who it is; undefined: nobody has. */
  readonly subject: string | undefined;
  /** Id of the account for which a service acts. @default the subject itself */
  readonly onBehalfOf?: string | undefined;
}

/** Whoever has proved nothing. */
export const anonymous: Principal = { subject: undefined };
