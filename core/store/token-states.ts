import type { TokenState, TokenStateQuery } from "#core/model/token-state.ts";
import type { Db } from "./db.ts";

/** All that decides whether a token lives, in one statement (none on SQLite when warm). Exact: reflects every revocation committed before the call. */
export declare function readTokenState(db: Db, issuer: number, query: TokenStateQuery): Promise<TokenState>;
/** The same for many, in a few statements, in the order of the queries. */
export declare function readTokenStates(db: Db, issuer: number, queries: readonly TokenStateQuery[]): Promise<TokenState[]>;
