/** The panel beside the code: it draws what the server says, and this hands on what both say to each other. */

import { randomBytes } from "node:crypto";
import { Disposable, ExtensionContext, Range, Uri, ViewColumn, WebviewPanel, window } from "vscode";
import { ExecuteCommandRequest, LanguageClient } from "vscode-languageclient/node";
import type { Heard } from "./server";

interface Asked {
  id: number;
  method: string;
  params: { command?: string; arguments?: object[]; uri?: string; line?: number };
}

export class Panel implements Disposable {
  private client: LanguageClient | undefined;
  private panel: WebviewPanel | undefined;
  private run: string | undefined;
  private readonly folder: Uri;

  constructor(context: ExtensionContext) {
    this.folder = Uri.joinPath(context.extensionUri, "dist", "panel");
  }

  /** Shows the runs of this server from now on. */
  follow(client: LanguageClient | undefined): void {
    this.client = client;
    this.tell({ method: client ? "panel/ready" : "panel/lost" });
  }

  /** Takes what the server tells. */
  hear(heard: Heard): void {
    this.tell(heard);
  }

  /** Opens it at a run, or brings it to the front; without one it shows the run to look at first. */
  show(run: string | undefined): void {
    this.run = run ?? this.run;
    if (this.panel === undefined) {
      this.open(window.createWebviewPanel("wainwright.panel", "Wainwright", ViewColumn.Beside, { retainContextWhenHidden: false }));
    } else {
      this.panel.reveal(undefined, true);
    }
    this.select();
  }

  /** Takes over a panel that the editor has kept over a reload. */
  open(panel: WebviewPanel): void {
    this.panel = panel;
    panel.iconPath = Uri.joinPath(this.folder, "..", "..", "media", "wainwright.svg");
    panel.webview.options = { enableScripts: true, localResourceRoots: [this.folder] };
    panel.webview.onDidReceiveMessage((asked: Asked) => void this.answer(asked));
    panel.onDidDispose(() => (this.panel = undefined));
    panel.webview.html = page(panel, this.folder);
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private select(): void {
    if (this.run !== undefined) {
      this.tell({ method: "panel/show", params: { run: this.run } });
    }
  }

  private tell(message: object): void {
    void this.panel?.webview.postMessage(message);
  }

  private async answer({ id, method, params }: Asked): Promise<void> {
    try {
      this.tell({ id, result: (await this.asked(method, params)) ?? null });
    } catch (failure) {
      this.tell({ id, error: { message: failure instanceof Error ? failure.message : String(failure) } });
    }
  }

  private async asked(method: string, params: Asked["params"]): Promise<unknown> {
    if (method === "panel/open") {
      const at = new Range(params.line ?? 0, 0, params.line ?? 0, 0);
      await window.showTextDocument(Uri.parse(params.uri ?? ""), { viewColumn: ViewColumn.One, ...(params.line === undefined ? {} : { selection: at }) });
      return null;
    }
    if (this.client === undefined) {
      throw new Error("There is no server.");
    }
    // The panel asks for nothing else: what it shows may come from a model.
    return method === "workspace/textDocumentContent"
      ? this.client.sendRequest(method, params)
      : this.client.sendRequest(ExecuteCommandRequest.type, { command: params.command ?? "", arguments: params.arguments ?? [] });
  }
}

/** The page around the panel: nothing but its own files may run or be fetched. */
function page({ webview }: WebviewPanel, folder: Uri): string {
  const nonce = randomBytes(16).toString("base64url");
  const file = (name: string): string => webview.asWebviewUri(Uri.joinPath(folder, name)).toString();
  const own = webview.cspSource;
  const policy = [
    "default-src 'none'",
    `script-src ${own} 'nonce-${nonce}'`,
    `style-src ${own} 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'", // the diff places its lines by attributes
    `font-src ${own}`,
  ];
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy.join("; ")}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Wainwright</title>
    <link rel="stylesheet" href="${file("panel.css")}">
  </head>
  <body>
    <div id="root"></div>
    <script type="module" nonce="${nonce}" src="${file("panel.js")}"></script>
  </body>
</html>`;
}
