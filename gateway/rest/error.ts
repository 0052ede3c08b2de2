import { Code, ConnectError } from "@connectrpc/connect";
import { protocolFailure } from "../http/oauth-error.ts";

/** How the admin API says that something went wrong. */
export interface RestFailure {
  readonly status: number;
  readonly body: { readonly error: string; readonly error_description: string };
  readonly headers: Readonly<Record<string, string>>;
}

interface Shape {
  readonly status: number;
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const INTERNAL: Shape = { status: 500, error: "error" };

/** Hydra's texts (its generic web library's) by Connect's codes; what is not here is an internal error. */
const SHAPES: Readonly<Partial<Record<Code, Shape>>> = {
  [Code.InvalidArgument]: { status: 400, error: "invalid_request" },
  [Code.OutOfRange]: { status: 400, error: "invalid_request" },
  [Code.FailedPrecondition]: { status: 400, error: "invalid_request" },
  [Code.Unauthenticated]: { status: 401, error: "The request could not be authorized", headers: { "www-authenticate": 'Bearer realm="writ admin"' } },
  [Code.PermissionDenied]: { status: 403, error: "The requested action was forbidden" },
  [Code.NotFound]: { status: 404, error: "Unable to locate the resource" },
  [Code.AlreadyExists]: { status: 409, error: "Unable to insert or update resource because a resource with that value exists already" },
  [Code.Aborted]: { status: 409, error: "error" },
  [Code.ResourceExhausted]: { status: 429, error: "error" },
  [Code.Unavailable]: { status: 503, error: "temporarily_unavailable", headers: { "retry-after": "1" } },
  [Code.DeadlineExceeded]: { status: 503, error: "temporarily_unavailable", headers: { "retry-after": "1" } },
};

/** Renders what was thrown. A protocol error keeps its code; nothing of an unforeseen one is said. */
export function restFailure(error: unknown): RestFailure {
  const known = protocolFailure(error);
  if (known !== undefined) return { status: known.status, body: { error: known.error, error_description: known.description }, headers: known.headers };
  const { code, rawMessage } = ConnectError.from(error, Code.Internal);
  const shape = SHAPES[code] ?? INTERNAL;
  const description = shape === INTERNAL ? "The server met an error that it did not foresee" : rawMessage.replaceAll('"', "'");
  return { status: shape.status, body: { error: shape.error, error_description: description }, headers: shape.headers ?? {} };
}
