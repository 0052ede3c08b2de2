import { LIMITS } from "../../model/limits.ts";
import type { Kit } from "./kit.ts";

/** All tables, over one kit of columns. */
export type Tables = ReturnType<typeof defineSchema>;

/**
 * All tables. The small issuer id leads every key, a time-ordered id follows, so that neighbours in time are neighbours on
 * disk. Columns are for what is searched or decided atomically; the rest is in `document`, a `writ.store.v1` message.
 * Times are epoch milliseconds. Epochs: an absent row means 0; a row once bumped is never deleted, only emptied.
 */
export function defineSchema(k: Kit) {
  const id = { size: 16 } as const;
  const clientId = { size: LIMITS.clientId } as const;
  const subject = { size: LIMITS.subject } as const;
  /** `client.incarnation`, `grant.birth`, `session.birth`: random. */
  const life = { size: 8 } as const;

  const clients = k.table(
    "clients",
    {
      issuer: k.integer("issuer").notNull(),
      clientId: k.text("client_id", clientId).notNull(),
      incarnation: k.bytes("incarnation", life).notNull(),
      tokenEpoch: k.integer("token_epoch").notNull(),
      owner: k.text("owner", { size: LIMITS.owner }).notNull(),
      clientName: k.text("client_name", { size: LIMITS.clientName }).notNull(),
      rowVersion: k.integer("row_version").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.clientId] }), k.index("clients_owner").on(t.issuer, t.owner), k.index("clients_name").on(t.issuer, t.clientName)],
  );

  const subjects = k.table(
    "subjects",
    {
      issuer: k.integer("issuer").notNull(),
      subject: k.text("subject", subject).notNull(),
      grantEpoch: k.integer("grant_epoch").notNull(),
      sessionEpoch: k.integer("session_epoch").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.subject] })],
  );

  const jwks = k.table(
    "jwks",
    {
      issuer: k.integer("issuer").notNull(),
      setName: k.text("set_name", { size: LIMITS.setName }).notNull(),
      kid: k.text("kid", { size: LIMITS.kid }).notNull(),
      sealKeyId: k.bytes("seal_key_id", { size: 4 }),
      createdAt: k.integer("created_at").notNull(),
      activatesAt: k.integer("activates_at").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.setName, t.kid] })],
  );

  /** Which key was the first of a set for its algorithm: of several makers one gets the row. */
  const jwkClaims = k.table(
    "jwk_claims",
    {
      issuer: k.integer("issuer").notNull(),
      setName: k.text("set_name", { size: LIMITS.setName }).notNull(),
      alg: k.text("alg", { size: LIMITS.alg }).notNull(),
      kid: k.text("kid", { size: LIMITS.kid }).notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.setName, t.alg] })],
  );

  const revocationEvents = k.table(
    "revocation_events",
    {
      issuer: k.integer("issuer").notNull(),
      at: k.integer("at").notNull(),
      id: k.bytes("id", id).notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.at, t.id] })],
  );

  const revocationHorizons = k.table("revocation_horizons", { issuer: k.integer("issuer").notNull(), at: k.integer("at").notNull() }, (t) => [
    k.primaryKey({ columns: [t.issuer] }),
  ]);

  const revokedTokens = k.table(
    "revoked_tokens",
    {
      issuer: k.integer("issuer").notNull(),
      tokenId: k.bytes("token_id", id).notNull(),
      expiresAt: k.integer("expires_at").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.tokenId] }), k.index("revoked_tokens_expires_at").on(t.issuer, t.expiresAt)],
  );

  /** Apart from `revoked_tokens`: a client must not be able to choose a `jti` that revokes a stranger's token. */
  const assertionJtis = k.table(
    "assertion_jtis",
    {
      issuer: k.integer("issuer").notNull(),
      jtiHash: k.bytes("jti_hash", { size: 32 }).notNull(),
      attempt: k.bytes("attempt", id).notNull(),
      expiresAt: k.integer("expires_at").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.jtiHash] }), k.index("assertion_jtis_expires_at").on(t.issuer, t.expiresAt)],
  );

  const grants = k.table(
    "grants",
    {
      issuer: k.integer("issuer").notNull(),
      /** The login challenge's id. */
      id: k.bytes("id", id).notNull(),
      birth: k.bytes("birth", life).notNull(),
      /** `login`, `consented`, `code`, `active`, `ended`. */
      state: k.text("state", { size: 16 }).notNull(),
      clientId: k.text("client_id", clientId).notNull(),
      clientIncarnation: k.bytes("client_incarnation", life).notNull(),
      subject: k.text("subject", subject).notNull(),
      sessionId: k.bytes("session_id", id),
      /** Of several decisions about one challenge the one that counted. */
      decision: k.bytes("decision", id).notNull(),
      /** Captured at login; they live while equal. */
      grantEpoch: k.integer("grant_epoch").notNull(),
      sessionEpoch: k.integer("session_epoch").notNull(),
      consentEpoch: k.integer("consent_epoch").notNull(),
      /** The newest refresh generation. */
      generation: k.integer("generation").notNull(),
      /** Supersession instants that lie in grace: at most 32 of 8 bytes. */
      supersededAt: k.bytes("superseded_at", { size: 256 }),
      /** Random id of the attempt that moved the state or generation last. */
      attempt: k.bytes("attempt", id),
      createdAt: k.integer("created_at").notNull(),
      /** Latest expiry of all that names the grant. */
      expiresAt: k.integer("expires_at").notNull(),
      rowVersion: k.integer("row_version").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.issuer, t.id] }),
      k.index("grants_subject").on(t.issuer, t.subject, t.clientId),
      k.index("grants_session").on(t.issuer, t.sessionId),
      k.index("grants_expires_at").on(t.issuer, t.expiresAt),
    ],
  );

  const consents = k.table(
    "consents",
    {
      issuer: k.integer("issuer").notNull(),
      subject: k.text("subject", subject).notNull(),
      clientId: k.text("client_id", clientId).notNull(),
      clientIncarnation: k.bytes("client_incarnation", life),
      epoch: k.integer("epoch").notNull(),
      /** Captured; the remembered consent lives while it is the subject's. */
      grantEpoch: k.integer("grant_epoch").notNull(),
      sourceGrantId: k.bytes("source_grant_id", id),
      expiresAt: k.integer("expires_at"),
      rowVersion: k.integer("row_version").notNull(),
      /** NULL: emptied; only the epoch is left. */
      document: k.document("document"),
    },
    (t) => [
      k.primaryKey({ columns: [t.issuer, t.subject, t.clientId] }),
      k.index("consents_source_grant").on(t.issuer, t.sourceGrantId),
      k.index("consents_expires_at").on(t.issuer, t.expiresAt),
    ],
  );

  const sessions = k.table(
    "sessions",
    {
      issuer: k.integer("issuer").notNull(),
      id: k.bytes("id", id).notNull(),
      birth: k.bytes("birth", life).notNull(),
      subject: k.text("subject", subject).notNull(),
      sessionEpoch: k.integer("session_epoch").notNull(),
      authenticatedAt: k.integer("authenticated_at").notNull(),
      remember: k.integer("remember").notNull(),
      expiresAt: k.integer("expires_at").notNull(),
      rowVersion: k.integer("row_version").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.id] }), k.index("sessions_subject").on(t.issuer, t.subject), k.index("sessions_expires_at").on(t.issuer, t.expiresAt)],
  );

  /** Clients that took part in a session: the targets of its logout. */
  const sessionClients = k.table(
    "session_clients",
    {
      issuer: k.integer("issuer").notNull(),
      sessionId: k.bytes("session_id", id).notNull(),
      clientId: k.text("client_id", clientId).notNull(),
      clientIncarnation: k.bytes("client_incarnation", life).notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.sessionId, t.clientId] })],
  );

  /** Verifiers that were too large for a URL. */
  const decisions = k.table(
    "decisions",
    {
      issuer: k.integer("issuer").notNull(),
      id: k.bytes("id", id).notNull(),
      expiresAt: k.integer("expires_at").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.id] }), k.index("decisions_expires_at").on(t.issuer, t.expiresAt)],
  );

  /** Clients that are to be told of the end of a session (OIDC Back-Channel Logout §2.5), until they were or it is too late. */
  const logoutOutbox = k.table(
    "logout_outbox",
    {
      issuer: k.integer("issuer").notNull(),
      id: k.bytes("id", id).notNull(),
      /** When it is to be tried next; while a process tries, when others may take it for dead. */
      dueAt: k.integer("due_at").notNull(),
      attempts: k.integer("attempts").notNull(),
      /** Random id of the try that has it. */
      lease: k.bytes("lease", id),
      expiresAt: k.integer("expires_at").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.id] }), k.index("logout_outbox_due_at").on(t.issuer, t.dueAt), k.index("logout_outbox_expires_at").on(t.issuer, t.expiresAt)],
  );

  /** Who may sign assertions of the jwt-bearer grant, about whom, by which key. The hashes stand for strings of any length. */
  const trustedIssuers = k.table(
    "trusted_issuers",
    {
      issuer: k.integer("issuer").notNull(),
      issHash: k.bytes("iss_hash", { size: 32 }).notNull(),
      subjectHash: k.bytes("subject_hash", { size: 32 }).notNull(),
      kid: k.text("kid", { size: LIMITS.kid }).notNull(),
      id: k.bytes("id", id).notNull(),
      expiresAt: k.integer("expires_at").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [
      k.primaryKey({ columns: [t.issuer, t.issHash, t.subjectHash, t.kid] }),
      k.index("trusted_issuers_id").on(t.issuer, t.id),
      k.index("trusted_issuers_expires_at").on(t.issuer, t.expiresAt),
    ],
  );

  /** Requests of devices that wait for a person (RFC 8628). The key is what makes user codes unique. */
  const deviceCodes = k.table(
    "device_codes",
    {
      issuer: k.integer("issuer").notNull(),
      userCodeHash: k.bytes("user_code_hash", { size: 32 }).notNull(),
      birth: k.bytes("birth", life).notNull(),
      /** `pending`, `approved`, `denied`. */
      state: k.text("state", { size: 16 }).notNull(),
      grantId: k.bytes("grant_id", id),
      /** Seconds; written when it grows, and not when somebody polls. */
      pollInterval: k.integer("poll_interval").notNull(),
      expiresAt: k.integer("expires_at").notNull(),
      document: k.document("document").notNull(),
    },
    (t) => [k.primaryKey({ columns: [t.issuer, t.userCodeHash] }), k.index("device_codes_expires_at").on(t.issuer, t.expiresAt)],
  );

  return {
    clients,
    subjects,
    jwks,
    jwkClaims,
    revocationEvents,
    revocationHorizons,
    revokedTokens,
    assertionJtis,
    grants,
    consents,
    sessions,
    sessionClients,
    decisions,
    logoutOutbox,
    trustedIssuers,
    deviceCodes,
  };
}
