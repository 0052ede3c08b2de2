/** Slow hashes of secrets that people chose or that were imported: argon2id for new ones; bcrypt and PBKDF2 are verified too. */
export interface SlowHash {
  /** PHC string. */
  hash(secret: string): Promise<string>;
  /** Off the event loop, a bounded number at once; a match is remembered as a keyed hash, in bounded memory. */
  verify(secret: string, phc: string): Promise<boolean>;
}
