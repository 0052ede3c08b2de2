/** What a sealed string is. Each has a key and a prefix of its own, so that one never passes for another. */
export const SEAL_KINDS = { access_token: "at", refresh_token: "rt", authorization_code: "ac", page_token: "pt", stored_key: "sk" } as const;
export type SealKind = keyof typeof SEAL_KINDS;
export type Opened = { readonly kind: "opened"; readonly payload: Uint8Array } | { readonly kind: "invalid" | "unknown_key" };
export interface Sealer {
  readonly keyId: Uint8Array;
  readonly keyIds: readonly Uint8Array[];
  seal(kind: SealKind, payload: Uint8Array): string;
  open(kind: SealKind, sealed: string): Opened;
}
