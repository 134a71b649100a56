/** The runs of the folders that are open, as the server tells them; asked anew when something has happened. */

import { Disposable, EventEmitter, workspace } from "vscode";
import { ExecuteCommandRequest, LanguageClient } from "vscode-languageclient/node";
import type { PageInfo, RunInfo, RunList } from "../../protocol";
import type { Heard } from "./server";

const SOON_MS = 500;
const PASSING = ["activity", "writing"];
const NONE: RunList = { runs: [], first: "" };

export class Runs implements Disposable {
  private client: LanguageClient | undefined;
  private told = NONE;
  private pages = new Map<string, Promise<PageInfo>>();
  private readonly wanted = new Set<string>();
  private shown = "";
  private soon: NodeJS.Timeout | undefined;
  private readonly listeners = new EventEmitter<void>();

  /** Told when the runs are others than before, or one of them has moved. */
  readonly changed = this.listeners.event;

  /** All of them, the newest first. */
  get all(): readonly RunInfo[] {
    return this.told.runs;
  }

  /** The one to look at first. */
  get first(): RunInfo | undefined {
    return this.told.runs.find(({ run }) => run === this.told.first);
  }

  /** Shows the runs of this server from now on; of none, nothing. */
  follow(client: LanguageClient | undefined): void {
    this.client = client;
    this.show(NONE, []);
    this.look(0);
  }

  /** Takes what the server tells. What only passes moves no stage and opens no gate, and to list the runs reads each. */
  hear({ method, params }: Heard): void {
    if (method === "wainwright/event" && !PASSING.includes(params.kind)) {
      this.look(SOON_MS);
    }
  }

  /** All that there is to draw of a run; the same answer until something has happened. */
  page(run: string): Promise<PageInfo> {
    this.wanted.add(run);
    const known = this.pages.get(run) ?? this.send<PageInfo>("wainwright.page", { run });
    this.pages.set(run, known);
    return known;
  }

  dispose(): void {
    clearTimeout(this.soon);
    this.listeners.dispose();
  }

  /** Asks for the runs in a moment: many facts at once are one question. */
  private look(afterMs: number): void {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      void this.ask();
    }, afterMs);
  }

  /** Asks for the runs now; waits until they are shown. */
  async ask(): Promise<void> {
    const client = this.client;
    if (client === undefined) {
      return;
    }
    const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.toString());
    const told = await Promise.allSettled(folders.map((folder) => this.send<RunList>("wainwright.runs", { folder })));
    if (this.client !== client) {
      return;
    }
    // A folder that cannot be worked in has none.
    const lists = told.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const first = lists.find(({ first }) => first !== "")?.first ?? "";
    const runs = lists.flatMap(({ runs }) => runs);
    const pages = await this.anew(runs);
    if (this.client === client) {
      this.show({ runs, first }, pages);
    }
  }

  /** The pages that were asked for since something was last shown: rows have no time without what is below them. */
  private async anew(runs: RunInfo[]): Promise<PageInfo[]> {
    const wanted = runs.filter(({ run }) => this.wanted.has(run));
    const pages = await Promise.allSettled(wanted.map(({ run }) => this.send<PageInfo>("wainwright.page", { run })));
    return pages.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }

  private show(told: RunList, pages: PageInfo[]): void {
    this.told = told;
    this.pages = new Map(pages.map((page) => [page.run.run, Promise.resolve(page)]));
    const shown = JSON.stringify([told, pages]);
    if (shown !== this.shown) {
      this.shown = shown;
      this.wanted.clear();
      this.listeners.fire();
    }
  }

  private async send<T>(command: string, argument: object): Promise<T> {
    if (this.client === undefined) {
      throw new Error("There is no server.");
    }
    return this.client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] }) as Promise<T>;
  }
}
