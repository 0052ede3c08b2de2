/** The one client that all servers know. */
export const CLIENT_ID = "bench";

/** Its secret: letters and digits, so that form encoding in Basic credentials (RFC 6749 §2.3.1) changes nothing. */
export const CLIENT_SECRET = "Zm9yLXRoZS1iZW5jaC1vbmx5LTEyMw";

/** Its credentials as a header. */
export const AUTHORIZATION = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`;

/** Where codes are sent. Nobody listens there: the bench takes them from the redirect. */
export const REDIRECT_URI = "https://rp.example/cb";
