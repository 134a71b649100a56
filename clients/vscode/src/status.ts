/** How far the run is that is to be looked at first, in the status bar; amber while somebody is asked. */

import { Disposable, l10n, MarkdownString, StatusBarAlignment, ThemeColor, window } from "vscode";
import type { RunInfo } from "../../protocol";
import type { Runs } from "./runs";

export class Status implements Disposable {
  private readonly item = window.createStatusBarItem("wainwright.status", StatusBarAlignment.Left);
  private readonly subscription: Disposable;
  private asked = 0;

  constructor(private readonly runs: Runs) {
    this.item.name = "Wainwright";
    this.subscription = runs.changed(() => this.show(runs.first));
  }

  /** Tells at once that something was asked for, until it is known what came of it. */
  async during(title: string, done: Promise<unknown>): Promise<void> {
    this.asked += 1;
    this.item.text = `$(sync~spin) ${title}…`;
    this.item.show();
    await done.catch(() => undefined);
    this.asked -= 1;
    this.show(this.runs.first);
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private show(run: RunInfo | undefined): void {
    if (this.asked > 0) {
      return;
    }
    if (run === undefined) {
      this.item.hide();
      return;
    }
    const gate = run.gates[0];
    this.item.text = gate ? `$(bell-dot) ${gate.yes}?` : `$(${run.atWork ? "sync~spin" : "debug-pause"}) ${run.stage} ${run.percent} %`;
    this.item.backgroundColor = gate && new ThemeColor("statusBarItem.warningBackground");
    this.item.tooltip = tooltip(run);
    this.item.command = { command: "wainwright.panel", title: l10n.t("Show"), arguments: [{ run: run.run }] };
    this.item.show();
  }
}

function tooltip(run: RunInfo): MarkdownString {
  const asked = run.gates.map(({ question }) => `${question}\n\n`).join("");
  const spent = l10n.t("{0} tokens, {1} model calls", run.tokens, run.modelCalls);
  return new MarkdownString().appendText(`${run.title}\n\n${asked}${run.status}\n\n${run.cost}, ${spent}`);
}
