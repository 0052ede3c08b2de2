import { spawn } from "node:child_process";

/** Opens a URL in the person's browser, where there seems to be one; that it did not work is no failure, since the URL is printed too. */
export function openInBrowser(url: string): void {
  const { platform, env } = process;
  if (platform === "linux" && !env.DISPLAY && !env.WAYLAND_DISPLAY) return;
  const [command, ...args] = platform === "darwin" ? ["open", url] : platform === "win32" ? ["explorer.exe", url] : ["xdg-open", url];
  spawn(command ?? "", args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
