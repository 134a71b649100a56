/** How far the run at work is, in the status bar; amber while somebody is asked. */

import { Disposable, MarkdownString, StatusBarAlignment, ThemeColor, window, workspace } from "vscode";
import { ExecuteCommandRequest, LanguageClient } from "vscode-languageclient/node";
import type { RunInfo, RunList } from "../../protocol";

const SOON_MS = 1000;
const PASSING = ["activity", "writing"];
const ENDS = ["DONE", "FAILED", "CANCELLED"];

export class Status implements Disposable {
  private readonly item = window.createStatusBarItem("wainwright.status", StatusBarAlignment.Left);
  private client: LanguageClient | undefined;
  private soon: NodeJS.Timeout | undefined;

  constructor() {
    this.item.name = "Wainwright";
  }

  /** Shows the runs of this server from now on; of none, nothing. */
  follow(client: LanguageClient | undefined): void {
    this.client = client;
    this.item.hide();
    // What only passes moves no stage and opens no gate, and to list the runs reads each of them.
    client?.onNotification("wainwright/event", ({ kind }: { kind: string }) => {
      if (!PASSING.includes(kind)) {
        this.look(SOON_MS);
      }
    });
    this.look(0);
  }

  dispose(): void {
    clearTimeout(this.soon);
    this.item.dispose();
  }

  /** Asks for the runs in a moment: many facts at once are one question. */
  private look(afterMs: number): void {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      void this.ask();
    }, afterMs);
  }

  private async ask(): Promise<void> {
    const client = this.client;
    if (client === undefined) {
      return;
    }
    const of = async (folder: string): Promise<RunList> =>
      client.sendRequest(ExecuteCommandRequest.type, { command: "wainwright.runs", arguments: [{ folder }] });
    const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => of(uri.toString()));
    const told = await Promise.allSettled(folders); // a folder that cannot be worked in has none
    if (this.client === client) {
      this.show(told.flatMap((one) => (one.status === "fulfilled" ? one.value.runs : [])));
    }
  }

  private show(runs: readonly RunInfo[]): void {
    const open = runs.filter((run) => !ENDS.includes(run.stage));
    const run = open.find((one) => one.gates.length > 0) ?? open.find((one) => one.atWork !== "") ?? open[0];
    if (run === undefined) {
      this.item.hide();
      return;
    }
    const gate = run.gates[0];
    this.item.text = gate ? `$(bell-dot) ${gate.yes}?` : `$(${run.atWork ? "sync~spin" : "debug-pause"}) ${run.stage} ${run.percent} %`;
    this.item.backgroundColor = gate && new ThemeColor("statusBarItem.warningBackground");
    const money = run.costUsd > 0 ? `$${run.costUsd.toFixed(2)}, ` : "";
    const tooltip = new MarkdownString();
    tooltip.appendText(`${run.goal}\n\n${gate ? `${gate.question}\n\n` : ""}${run.stage}, ${money}${run.tokens} tokens, ${run.modelCalls} model calls`);
    this.item.tooltip = tooltip;
    this.item.command = { command: "wainwright.show", title: "Show", arguments: [{ run: run.run }] };
    this.item.show();
  }
}
