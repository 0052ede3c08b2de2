import { Code, ConnectError } from "@connectrpc/connect";
import { describable } from "#lib/errors.ts";
import { type Exchange, NO_STORE, sendJson } from "../http/exchange.ts";
import { protocolFailure } from "../http/render-error.ts";
import { isMalformed } from "./malformed.ts";

interface Shape {
  readonly status: number;
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const INTERNAL: Shape = { status: 500, error: "error" };
const UNAUTHENTICATED: Shape = { status: 401, error: "The request could not be authorized", headers: { "www-authenticate": 'Bearer realm="writ admin"' } };
const MALFORMED: Shape = { status: 400, error: "The request was malformed or contained invalid parameters" };
const LATER: Shape = { status: 503, error: "temporarily_unavailable", headers: { "retry-after": "1" } };

/** Hydra's texts (its generic web library's) by Connect's codes; what is not here is an internal error. */
const SHAPES: Readonly<Partial<Record<Code, Shape>>> = {
  [Code.InvalidArgument]: { status: 400, error: "invalid_request" },
  [Code.OutOfRange]: { status: 400, error: "invalid_request" },
  [Code.FailedPrecondition]: { status: 400, error: "invalid_request" },
  [Code.Unauthenticated]: UNAUTHENTICATED,
  [Code.PermissionDenied]: { status: 403, error: "The requested action was forbidden" },
  [Code.NotFound]: { status: 404, error: "Unable to locate the resource" },
  [Code.AlreadyExists]: { status: 409, error: "Unable to insert or update resource because a resource with that value exists already" },
  [Code.ResourceExhausted]: { status: 429, error: "too_many_requests", headers: { "retry-after": "1" } },
  [Code.Aborted]: { status: 409, error: "error" },
  [Code.Unavailable]: LATER,
  [Code.DeadlineExceeded]: LATER,
  [Code.Canceled]: LATER,
};

/** Answers an admin request that failed. A protocol error keeps its code; nothing of an unforeseen one is said. */
export function renderRestError(exchange: Exchange, error: unknown): void {
  const known = protocolFailure(error);
  if (known !== undefined) return sendJson(exchange, known.status, { error: known.error, error_description: known.description }, { ...NO_STORE, ...known.headers });
  const { code, rawMessage } = ConnectError.from(error, Code.Internal);
  // Without credentials of the caller the gateway's own reached core; that they do not suffice means that some are missing.
  if (code === Code.PermissionDenied && exchange.request.headers.authorization === undefined)
    return sendJson(exchange, UNAUTHENTICATED.status, { error: UNAUTHENTICATED.error, error_description: "credentials are missing" }, UNAUTHENTICATED.headers);
  const shape = error instanceof ConnectError && isMalformed(error) ? MALFORMED : (SHAPES[code] ?? INTERNAL);
  const description = shape === INTERNAL ? "The server met an error that it did not foresee" : describable(rawMessage);
  sendJson(exchange, shape.status, { error: shape.error, error_description: description }, shape.headers);
}
