/** What the panel knows: the server's answers as they came, and what the person looks at. Nothing is made up here. */
import { useSyncExternalStore } from "react";
import type { HunkList, Notice, EditNotice, PageInfo, RunInfo } from "../../protocol";
import { Channel, type Told, type Transport } from "./channel";
import { Activity, Output } from "./live";

export const TABS = ["Tasks", "Change", "Tests", "Cost"] as const;
export type Tab = (typeof TABS)[number];

/** How often a page is asked for at most. */
const ASK_EVERY_MS = 500;
/** Notices that tell of what goes by, and change nothing that a page shows. */
const PASSING = new Set(["activity", "writing"]);

export interface Picture {
  link: "asking" | "ready" | "lost";
  runs: RunInfo[];
  /** The run that is shown; empty: none. */
  run: string;
  tab: Tab;
  page: PageInfo | null;
  change: HunkList | null;
  /** Why there is no change to show. */
  noChange: string;
  /** What came of the last thing that the person did, until they do another. */
  said: { text: string; wrong: boolean };
}

const NOTHING = { text: "", wrong: false };

/** Asks again when something has changed: one question at a time, at most about twice a second. */
class Asking {
  private wanted = false;
  private busy = false;

  constructor(private readonly ask: () => Promise<void>) {}

  async soon(): Promise<void> {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    while (this.wanted) {
      this.wanted = false;
      const rest = new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      await this.ask();
      await rest;
    }
    this.busy = false;
  }
}

export class Panel {
  readonly channel: Channel;
  readonly output = new Output();
  readonly activity = new Activity();
  private picture: Picture;
  private readonly listeners = new Set<() => void>();
  private readonly runs = new Asking(() => this.readRuns());
  private readonly page = new Asking(() => this.readPage());

  constructor(transport: Transport) {
    this.channel = new Channel(transport, (message) => this.told(message));
    const kept = transport.kept();
    this.picture = {
      link: "asking",
      runs: [],
      run: kept.run ?? "",
      tab: TABS.find((tab) => tab === kept.tab) ?? "Tasks",
      page: null,
      change: null,
      noChange: "",
      said: NOTHING,
    };
    void this.runs.soon();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly now = (): Picture => this.picture;

  show(run: string): void {
    if (run === this.picture.run && this.picture.page) return;
    this.output.clear();
    this.activity.reset([]);
    this.set({ run, page: null, change: null, noChange: "", said: NOTHING });
    this.remember();
    void this.page.soon();
  }

  open(tab: Tab): void {
    this.set({ tab });
    this.remember();
    if (tab === "Change") void this.page.soon();
  }

  /** Does what the server offered, tells what came of it, and looks again. */
  async act(command: string, argument: object): Promise<void> {
    this.set({ said: NOTHING });
    await this.trying(async () => {
      const result = await this.channel.offered(command, argument);
      this.set({ said: { text: words(result), wrong: false } });
      if (command === "wainwright.hunk") this.set({ change: result as HunkList });
    });
    void this.page.soon();
  }

  async openDocument(uri: string, line?: number): Promise<void> {
    await this.trying(() => this.channel.open(uri, line));
  }

  /** Answers of another run than the one that is shown by then are left aside. */
  private async readPage(): Promise<void> {
    const { run, tab } = this.picture;
    if (!run) return;
    await this.trying(async () => {
      const page = await this.channel.command("wainwright.page", { run });
      if (run !== this.picture.run) return;
      const runs = this.picture.runs.map((one) => (one.run === run ? page.run : one));
      this.activity.reset(page.lines);
      this.set({ page, runs });
    });
    if (tab === "Change") await this.readChange(run);
  }

  private async readChange(run: string): Promise<void> {
    let found: Pick<Picture, "change" | "noChange">;
    try {
      found = { change: await this.channel.command("wainwright.change", { run }), noChange: "" };
    } catch (why) {
      found = { change: null, noChange: (why as Error).message };
    }
    if (run === this.picture.run) this.set(found);
  }

  private async readRuns(): Promise<void> {
    await this.trying(async () => {
      const { runs, first } = await this.channel.command("wainwright.runs", {});
      const known = runs.some((one) => one.run === this.picture.run);
      this.set({ runs, link: "ready" });
      if (!known) this.show(first || (runs[0]?.run ?? ""));
      else void this.page.soon();
    });
  }

  private async trying(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (why) {
      this.set({ said: { text: (why as Error).message, wrong: true } });
    }
  }

  private told(message: Told): void {
    switch (message.method) {
      case "wainwright/event":
        return this.heard(message.params);
      case "wainwright/output":
        if (message.params.run === this.picture.run) this.output.take(message.params);
        return;
      case "panel/show":
        return this.show(message.params.run);
      case "panel/lost":
        return this.set({ link: "lost" });
      case "panel/ready":
        this.set({ link: "asking", said: NOTHING });
        void this.runs.soon();
    }
  }

  private heard(notice: Notice | EditNotice): void {
    if ("edit" in notice) this.set({ said: { text: notice.text, wrong: notice.edit.status !== "applied" } });
    else if (PASSING.has(notice.kind)) {
      if (notice.run === this.picture.run) this.activity.take(notice);
      return;
    }
    if (notice.run === this.picture.run) void this.page.soon();
    else void this.runs.soon();
  }

  private remember(): void {
    this.channel.transport.keep({ run: this.picture.run, tab: this.picture.tab });
  }

  private set(change: Partial<Picture>): void {
    this.picture = { ...this.picture, ...change };
    this.listeners.forEach((listener) => listener());
  }
}

/** What a result says in words, where it says something. */
function words(result: unknown): string {
  const { text, sentence } = (result ?? {}) as { text?: string; sentence?: string };
  return text ?? sentence ?? "";
}

export function usePicture(panel: Panel): Picture {
  return useSyncExternalStore(panel.subscribe, panel.now);
}
