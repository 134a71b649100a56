/** What the commands of runs print, in a terminal that only shows: they run in the sandbox, where nobody types. */

import { Disposable, EventEmitter, l10n, Pseudoterminal, Terminal, ThemeIcon, window } from "vscode";
import type { Heard } from "./server";

const KEPT_CHARACTERS = 200_000;
const DIM = "\x1b[2m";
const PLAIN = "\x1b[0m";

export class Commands implements Disposable {
  private kept = "";
  private speaker = "";
  private opened = false;
  private terminal: Terminal | undefined;
  private readonly written = new EventEmitter<string>();
  private readonly closing = window.onDidCloseTerminal((one) => {
    if (one === this.terminal) {
      this.terminal = undefined;
      this.opened = false;
    }
  });

  /** Takes what the server tells. */
  hear(heard: Heard): void {
    if (heard.method === "wainwright/output") {
      this.write(heard.params, heard.params.text);
    } else if (heard.params.kind === "activity" && heard.params.text) {
      this.write(heard.params, `${DIM}${heard.params.text}${PLAIN}\n`);
    }
  }

  /** Opens the terminal, or brings it to the front. */
  show(): void {
    this.terminal ??= window.createTerminal({ name: "Wainwright", pty: this.pseudoterminal(), iconPath: new ThemeIcon("tools") });
    this.terminal.show(true);
  }

  dispose(): void {
    this.closing.dispose();
    this.terminal?.dispose();
    this.written.dispose();
  }

  private pseudoterminal(): Pseudoterminal {
    return {
      onDidWrite: this.written.event,
      open: () => {
        this.opened = true;
        this.written.fire(this.kept || `${DIM}${l10n.t("Nothing was printed yet.")}${PLAIN}\r\n`);
      },
      close: () => (this.opened = false),
    };
  }

  private write({ run, task }: { run: string; task?: string }, text: string): void {
    const speaker = task ? `${run} ${task}` : run;
    const head = speaker === this.speaker ? "" : `${this.endsALine() ? "" : "\r\n"}${DIM}── ${speaker} ──${PLAIN}\r\n`;
    this.speaker = speaker;
    const shown = head + text.replace(/\r?\n/g, "\r\n");
    this.kept = (this.kept + shown).slice(-KEPT_CHARACTERS);
    if (this.opened) {
      this.written.fire(shown);
    }
  }

  private endsALine(): boolean {
    return this.kept === "" || this.kept.endsWith("\n");
  }
}
