/** Starts the server and connects the editor to it. All logic is in the server. */

import { window, workspace } from "vscode";
import { LanguageClient } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

/** Called by the editor when a window with a folder has opened. */
export async function activate(): Promise<void> {
  if (!workspace.workspaceFolders?.length) {
    return;
  }
  const [command = "wainwright", ...args] = workspace
    .getConfiguration("wainwright")
    .get<string[]>("server.command", ["wainwright", "serve"]);
  client = new LanguageClient(
    "wainwright",
    "Wainwright",
    { command, args },
    { documentSelector: [{ scheme: "file" }, { scheme: "untitled" }] },
  );
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    void window.showErrorMessage(`Wainwright could not be started with "${command}": ${error}`);
  }
}

/** Called by the editor when it closes. */
export async function deactivate(): Promise<void> {
  await client?.stop();
}
