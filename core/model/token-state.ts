/** Names all that a token's life depends on. */
export interface TokenStateQuery {
  readonly clientId: string;
  /** Id of a rowless token. */
  readonly rowless: Uint8Array | undefined;
  /** Subject of a rowless token that is not the client itself. */
  readonly subject: string | undefined;
}

/** What the store says of it at the time of the read. */
export interface TokenState {
  /** Undefined: the client is gone. */
  readonly client: { readonly incarnation: Uint8Array; readonly tokenEpoch: number } | undefined;
  /** The rowless token was revoked. */
  readonly revoked: boolean;
  /** `subject.grant_epoch`; 0 where there is no row or no subject was asked for. */
  readonly grantEpoch: number;
}
