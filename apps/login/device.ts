import { Code, ConnectError } from "@connectrpc/connect";
import type { Context, Hono } from "hono";
import type { DeviceRequest, WritClient } from "#sdk/index.ts";
import { confirmPage, connectedPage, enterPage } from "./device-pages.ts";
import { NO_CHALLENGE, UNPROVED } from "./failure.ts";
import type { FormGuard } from "./form-guard.ts";
import type { Markup } from "./pages.ts";
import { failurePage } from "./pages.ts";
import { text } from "./text.ts";

/** What the device pages are made of. */
interface DevicePagesOptions {
  readonly writ: Pick<WritClient, "devices">;
  readonly guard: FormGuard;
}

const MAX_CHALLENGE = 4096;
const WRONG = "No device waits with that code. Check it, and enter it again; a code is good for a few minutes.";

/** Adds the pages on which people connect a device (RFC 8628 §3.3): enter the code, see whose device it is, confirm. */
export function addDevicePages(app: Hono, { writ, guard }: DevicePagesOptions): void {
  const showEntry = (context: Context, challenge: string, more: { readonly userCode: string; readonly alert: string }): Markup =>
    enterPage({ challenge, proof: guard.proofFor(context, challenge), ...more });

  app.get("/device", (context) => {
    const challenge = text(context.req.query("device_challenge"), MAX_CHALLENGE);
    if (challenge === "") return context.html(failurePage(NO_CHALLENGE), 400);
    // A code that stands in the link is one that somebody has typed for the person: it is shown, and has to be sent (RFC 8628 §5.4).
    return context.html(showEntry(context, challenge, { userCode: text(context.req.query("user_code")), alert: "" }));
  });

  app.post("/device", async (context) => {
    const proved = await guard.readForm(context);
    if (proved === undefined) return context.html(failurePage(UNPROVED), 403);
    const { challenge, form } = proved;
    const userCode = text(form.get("user_code")).trim();
    if (userCode === "") return context.html(showEntry(context, challenge, { userCode, alert: "Enter the code that your device shows." }), 400);
    const device = await findDevice(challenge, userCode);
    if (device === undefined) return context.html(showEntry(context, challenge, { userCode, alert: WRONG }), 400);
    const answer = { deviceChallenge: challenge };
    switch (form.get("action")) {
      case "confirm":
        return context.redirect((await writ.devices.acceptDevice({ ...answer, accept: { userCode } })).redirectTo, 303);
      case "deny":
        return context.redirect((await writ.devices.rejectDevice({ ...answer, reject: { userCode } })).redirectTo, 303);
      default: // to a page of its own, that the back button and a reload find again
        return context.redirect(`/device/confirm?${new URLSearchParams({ device_challenge: challenge, user_code: userCode })}`, 303);
    }
  });

  app.get("/device/confirm", async (context) => {
    const challenge = text(context.req.query("device_challenge"), MAX_CHALLENGE);
    const userCode = text(context.req.query("user_code"));
    // A link to here, of somebody else's making, would leave out that the person enters or at least sends the code (RFC 8628 §5.4).
    if (!guard.isKnown(context, challenge)) return context.html(failurePage(UNPROVED), 403);
    const device = await findDevice(challenge, userCode);
    if (device === undefined) return context.html(showEntry(context, challenge, { userCode, alert: WRONG }), 400);
    return context.html(confirmPage({ challenge, proof: guard.proofFor(context, challenge), device }));
  });

  app.get("/device/success", (context) => context.html(connectedPage()));

  /** Undefined: no device waits with that code. */
  async function findDevice(deviceChallenge: string, userCode: string): Promise<DeviceRequest | undefined> {
    try {
      return (await writ.devices.getDevice({ deviceChallenge, userCode })).device;
    } catch (error) {
      if (error instanceof ConnectError && error.code === Code.InvalidArgument) return undefined;
      throw error;
    }
  }
}
