/** What the editor calls: commands from the beginning, a server, and how far it is. All logic is in the server. */

import { commands, ExtensionContext, window, workspace } from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import { Server } from "./server";
import { Status } from "./status";

let server: Server | undefined;

/** Called by the editor when a window has opened. */
export async function activate(context: ExtensionContext): Promise<void> {
  const own = (server = new Server());
  const status = new Status();
  const offered: { command: string }[] = context.extension.packageJSON.contributes.commands;
  context.subscriptions.push(
    own,
    status,
    own.changed((client) => status.follow(client)),
    ...offered.map(({ command }) => commands.registerCommand(command, (argument) => own.offer(send(own, command, argument)))),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("wainwright.server.command")) {
        void own.restart();
      }
    }),
    workspace.onDidChangeWorkspaceFolders(() => void begin(own)),
  );
  await begin(own);
}

/** Has the server run where there is something to work in, without a word where there is not. */
async function begin(own: Server): Promise<void> {
  if (workspace.workspaceFolders?.length) {
    await own.offer(own.started());
  }
}

/** Called by the editor when it closes. */
export async function deactivate(): Promise<void> {
  await server?.stop();
}

interface Argument {
  decision?: string;
  reason?: string;
  uri?: string;
  line?: number;
}

/** Sends a command. A refusal is a sentence for a person: it is shown once, and not as a failure of the editor. */
async function send(to: Server, command: string, given: Argument | undefined): Promise<unknown> {
  const client = await to.started();
  let argument = given;
  if (command === "wainwright.hunk" && argument?.decision === "reject" && !argument.reason) {
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
  return client.sendRequest(ExecuteCommandRequest.type, { command, arguments: argument ? [argument] : [] });
}
