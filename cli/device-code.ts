import { setTimeout } from "node:timers/promises";
import * as oauth from "oauth4webapi";
import { type ApiFlags, endpointOf } from "./api.ts";
import { CliError } from "./cli-error.ts";
import type { CredentialFlags } from "./client-credentials.ts";
import { discover, requestOptions, toFlowError } from "./oidc-flow.ts";
import { type OutputFlags, printOne } from "./output.ts";
import { TOKEN_VIEW, type TokenRow, tokenOf } from "./token-view.ts";

/** Flags of `perform device-code`. */
export type DeviceFlags = ApiFlags &
  OutputFlags &
  CredentialFlags & {
    readonly scope?: readonly string[];
    readonly audience?: readonly string[];
    readonly deviceAuthUrl?: string;
    readonly tokenUrl?: string;
  };

/** A device: the server as it sees it, and how it shows who it is there. */
interface Device {
  readonly as: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly request: ReturnType<typeof requestOptions>;
}

/** RFC 8628 §3.2: where the server names no interval. Seconds. */
const INTERVAL = 5;
/** RFC 8628 §3.5: what slow_down adds. Seconds. */
const STEP = 5;

/**
 * Goes through the device flow as a device: shows where to enter the user code, polls, and prints the tokens.
 * @throws CliError when the server sent an error, the person said no, or nobody came in time
 */
export async function performDeviceCode(flags: DeviceFlags): Promise<void> {
  const clientId = flags.clientId ?? process.env.OAUTH2_CLIENT_ID;
  if (!clientId) throw new CliError("The client is not named. Give OAUTH2_CLIENT_ID in the environment, or --client-id.");
  const secret = flags.clientSecret ?? process.env.OAUTH2_CLIENT_SECRET;
  const endpoint = endpointOf(flags, "public");
  const request = requestOptions(flags, endpoint);
  const found = await discover(flags, endpoint, request);
  const as = { ...found, ...(flags.deviceAuthUrl === undefined ? {} : { device_authorization_endpoint: flags.deviceAuthUrl }) };
  if (as.device_authorization_endpoint === undefined) throw new CliError("The server names no device authorization endpoint. Give one with --device-auth-url.");
  const client: oauth.Client = { client_id: clientId, [oauth.clockTolerance]: 30 };
  const parameters = { scope: (flags.scope ?? ["offline", "openid"]).join(" "), ...(flags.audience === undefined ? {} : { audience: flags.audience.join(" ") }) };
  const { device, codes } = await begin({ as, client, request }, secret || undefined, parameters);
  process.stderr.write(instructions(codes));
  await printOne(flags, TOKEN_VIEW, await waitForTokens(device, codes));
}

function instructions({ user_code: code, verification_uri: uri, verification_uri_complete: complete, expires_in: seconds }: oauth.DeviceAuthorizationResponse): string {
  const both = complete === undefined ? "" : `Or open this, which has the code in it:\n\n  ${complete}\n\n`;
  return `Open this URL in a browser:\n\n  ${uri}\n\nand enter the code:\n\n  ${code}\n\n${both}Waiting for at most ${seconds} seconds; Ctrl-C gives up.\n`;
}

/** By Basic, and where that is refused, as Hydra does, with the secret in the form (RFC 6749 §2.3.1). */
async function begin(
  { as, client, request }: Omit<Device, "authentication">,
  secret: string | undefined,
  parameters: Readonly<Record<string, string>>,
): Promise<{ readonly device: Device; readonly codes: oauth.DeviceAuthorizationResponse }> {
  const ways = secret === undefined ? [oauth.None()] : [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)];
  let failure: unknown;
  for (const authentication of ways) {
    try {
      const response = await oauth.deviceAuthorizationRequest(as, client, authentication, { ...parameters }, request);
      return { device: { as, client, authentication, request }, codes: await oauth.processDeviceAuthorizationResponse(as, client, response) };
    } catch (error) {
      failure ??= error;
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) break;
    }
  }
  throw new CliError(toFlowError(failure).message);
}

/** RFC 8628 §3.5: an answer that never came makes the wait twice as long, slow_down makes it longer by 5 seconds. */
async function waitForTokens(
  { as, client, authentication, request }: Device,
  { device_code: code, expires_in: seconds, interval = INTERVAL }: oauth.DeviceAuthorizationResponse,
): Promise<TokenRow> {
  const until = Date.now() + seconds * 1000;
  let wait = interval;
  while (Date.now() + wait * 1000 < until) {
    await setTimeout(wait * 1000);
    const asked = Date.now();
    const response = await oauth.deviceCodeGrantRequest(as, client, authentication, code, request).catch(() => undefined);
    if (response === undefined || response.status >= 500) {
      wait *= 2;
      continue;
    }
    try {
      const answer = await oauth.processDeviceCodeResponse(as, client, response);
      if (answer.id_token !== undefined) await oauth.validateApplicationLevelSignature(as, response, request);
      return tokenOf({ ...answer }, asked);
    } catch (error) {
      const { error: name, message } = toFlowError(error);
      if (name === "slow_down") wait += STEP;
      else if (name !== "authorization_pending") throw new CliError(message);
    }
  }
  throw new CliError("Nobody entered the code in time. Begin again.");
}
