/** A host that answers with what the real server said at a moment of a real run: see tests/clients/record_panel.py. */
import type { HunkList, PageInfo, RunList } from "../../protocol";
import type { Asked, Heard, Kept, Told, Transport } from "../src/channel";

export interface Moment {
  runs: RunList;
  page: PageInfo;
  change: HunkList | null;
  noChange: string;
  texts: Record<string, string>;
  told: Told[];
}

export async function recorded(name: string): Promise<Moment> {
  return (await import(`./recorded/${name}.json`)).default as Moment;
}

export class RecordedHost implements Transport {
  readonly asked: Asked[] = [];
  private heard: (message: Heard) => void = () => undefined;

  constructor(
    public moment: Moment,
    private state: Kept = {},
  ) {}

  listen(heard: (message: Heard) => void): void {
    this.heard = heard;
  }

  kept(): Kept {
    return this.state;
  }

  keep(state: Kept): void {
    this.state = state;
  }

  send(message: Asked): void {
    this.asked.push(message);
    queueMicrotask(() => this.heard({ id: message.id, ...this.answer(message) }));
  }

  tell(message: Told): void {
    this.heard(message);
  }

  /** What the panel asked with a command, the last time. */
  last(command: string): object | undefined {
    return this.all(command).at(-1);
  }

  all(command: string): object[] {
    return this.asked
      .filter((one) => one.method === "workspace/executeCommand")
      .filter((one) => one.params.command === command)
      .map((one) => one.params.arguments[0]);
  }

  private answer(message: Asked): { result: unknown } | { error: { message: string } } {
    const { runs, page, change, noChange, texts } = this.moment;
    if (message.method === "workspace/textDocumentContent") return { result: { text: texts[message.params.uri] } };
    if (message.method === "panel/open") return { result: null };
    switch (message.params.command) {
      case "wainwright.runs":
        return { result: runs };
      case "wainwright.page":
        return { result: page };
      case "wainwright.change":
      case "wainwright.hunk":
        return change ? { result: change } : { error: { message: noChange } };
      default:
        return { result: page.run };
    }
  }
}
