/** Largest sizes of identifiers in bytes. What is longer is refused when it is written, and found by no look-up. */
export const LIMITS = { clientId: 255, subject: 255, setName: 255, kid: 255, alg: 32, owner: 255, clientName: 1024 } as const;
