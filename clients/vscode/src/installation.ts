/** A server of the extension's own: the wheel that came with it, in an environment in the editor's storage. */

import { execFile } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ExtensionContext, l10n, LogOutputChannel, ProgressLocation, window } from "vscode";

/** The folder of the environment; nothing is there before `install`. */
export function installed(context: ExtensionContext): string {
  return join(context.globalStorageUri.fsPath, `server-${context.extension.packageJSON.version}`);
}

/** The wheel that came along, or nothing: an extension without one is smaller, and works with any server. */
export function bundled(context: ExtensionContext): string | undefined {
  const folder = join(context.extensionPath, "dist", "server");
  const name = existsSync(folder) ? readdirSync(folder).find((one) => one.endsWith(".whl")) : undefined;
  return name && join(folder, name);
}

/** Installs it, and shows how far that is. Throws a sentence where it cannot be done; nothing half-done is left. */
export async function install(context: ExtensionContext, log: LogOutputChannel): Promise<void> {
  const wheel = bundled(context);
  if (wheel === undefined) {
    throw new Error(l10n.t("No server came with this extension."));
  }
  const folder = installed(context);
  const python = join(folder, ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]));
  const pip = ["-m", "pip", "install", "--disable-pip-version-check"];
  const steps: [string, string, string[]][] = [
    [l10n.t("makes an environment"), process.platform === "win32" ? "python" : "python3", ["-m", "venv", "--clear", folder]],
    [l10n.t("installs what it needs"), python, [...pip, "--require-hashes", "-r", join(wheel, "..", "requirements.lock")]],
    [l10n.t("installs the server"), python, [...pip, "--no-deps", wheel]],
  ];
  const options = { location: ProgressLocation.Notification, title: "Wainwright", cancellable: true };
  await window.withProgress(options, async (progress, cancelled) => {
    const stop = new AbortController();
    cancelled.onCancellationRequested(() => stop.abort());
    try {
      for (const [message, program, args] of steps) {
        progress.report({ message, increment: 100 / steps.length });
        log.info(`${program} ${args.join(" ")}`);
        log.info(await output(program, args, stop.signal));
      }
    } catch (failure) {
      rmSync(folder, { recursive: true, force: true });
      log.error(failure instanceof Error ? failure : String(failure));
      throw new Error(l10n.t("Wainwright could not be installed: it needs Python 3.11 or newer, and what it needs from PyPI. The log says more."));
    }
  });
}

function output(program: string, args: string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { signal, maxBuffer: 10_000_000 }, (failure, out, err) => (failure ? reject(new Error(`${failure.message}\n${err}`)) : resolve(out)));
  });
}
