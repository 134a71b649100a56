/** Starts the server and connects the editor to it. All logic is in the server. */

import { commands, Uri, window, workspace } from "vscode";
import { ExecuteCommandRequest, LanguageClient } from "vscode-languageclient/node";

interface Sides {
  uri: string;
  before?: string;
  after?: string;
}

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
    {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "wainwright" }],
      middleware: { executeCommand: send },
    },
  );
  client.registerFeature({
    fillClientCapabilities: (capabilities) => {
      const experimental = capabilities.experimental as object | undefined;
      capabilities.experimental = { ...experimental, wainwright: { input: true, changes: true, events: false } };
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  });
  client.onRequest("wainwright/input", async ({ prompt, value }: { prompt: string; value?: string }) => ({
    text: (await window.showInputBox({ prompt, value, ignoreFocusOut: true })) ?? null,
  }));
  client.onNotification("wainwright/changes", ({ title, files }: { title: string; files: Sides[] }) => {
    const sides = files.map(({ uri, before, after }) => [uri, before, after].map((one) => one && Uri.parse(one)));
    void commands.executeCommand("vscode.changes", title, sides);
  });
  try {
    await client.start();
  } catch {
    client = undefined;
    void explain();
  }
}

/** The client library has told the failure; this says what to do about it. */
async function explain(): Promise<void> {
  const open = "Open the setting";
  const text = "Wainwright was not started. Say in the setting wainwright.server.command where it is installed.";
  if ((await window.showErrorMessage(text, open)) === open) {
    await commands.executeCommand("workbench.action.openSettings", "wainwright.server.command");
  }
}

/** Called by the editor when it closes. */
export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** Sends a command. A refusal is a sentence for a person: it is shown once, and not as a failure of the editor. */
async function send(command: string, given: unknown[]): Promise<unknown> {
  let argument = given[0] as { decision?: string; reason?: string; uri?: string; line?: number } | undefined;
  const refuses = command === "wainwright.hunk" && argument?.decision === "reject";
  if (refuses && !argument?.reason) {
    const reason = await window.showInputBox({ prompt: "What should be different?", ignoreFocusOut: true });
    if (reason === undefined) {
      return undefined;
    }
    argument = { ...argument, reason };
  }
  const editor = window.activeTextEditor;
  if (command === "wainwright.why" && !argument?.uri && editor) {
    argument = { ...argument, uri: editor.document.uri.toString(), line: editor.selection.active.line };
  }
  try {
    return await client?.sendRequest(ExecuteCommandRequest.type, { command, arguments: argument ? [argument] : [] });
  } catch (refusal) {
    void window.showWarningMessage(refusal instanceof Error ? refusal.message : String(refusal));
    return undefined;
  }
}
