/** What goes by while a run is at work: lines of activity, and what commands print. Handed on once a frame, and bounded. */
import type { Notice, OutputParams } from "../../protocol";

export const LINES_MAX = 100;
/** Characters of output that are kept of one task, up to twice as many, and that a terminal is handed in one frame. */
export const KEPT_MAX = 200_000;
export const FRAME_MAX = 8_192;

/** The newest part of what a task printed, from the beginning of a line; cut only now and then, since cutting copies. */
function newest(text: string): string {
  if (text.length <= 2 * KEPT_MAX) return text;
  const cut = text.length - KEPT_MAX;
  const line = text.indexOf("\n", cut);
  return text.slice(line < 0 ? cut : line + 1);
}

type Written = (text: string) => void;

/** What the tasks of one run print. */
export class Output {
  private readonly kept = new Map<string, string>();
  private readonly news = new Map<string, string>();
  private readonly writers = new Map<string, Set<Written>>();
  private frame = 0;

  take({ task, text }: OutputParams): void {
    this.news.set(task, newest((this.news.get(task) ?? "") + text));
    this.frame ||= requestAnimationFrame(() => this.flush());
  }

  /** Hands a terminal what there is of a task, and what comes; returns what ends it. */
  follow(task: string, written: Written): () => void {
    const writers = this.writers.get(task) ?? new Set();
    this.writers.set(task, writers.add(written));
    const before = this.kept.get(task);
    if (before) written(before);
    return () => writers.delete(written);
  }

  /** Tasks that printed something. */
  get tasks(): string[] {
    return [...new Set([...this.kept.keys(), ...this.news.keys()])];
  }

  clear(): void {
    this.kept.clear();
    this.news.clear();
  }

  private flush(): void {
    this.frame = 0;
    for (const [task, text] of this.news) {
      const writers = this.writers.get(task);
      // A terminal takes time: what is too much for this frame waits for the next, nobody else does.
      const now = writers?.size ? text.slice(0, FRAME_MAX) : text;
      if (now.length < text.length) this.news.set(task, text.slice(now.length));
      else this.news.delete(task);
      this.kept.set(task, newest((this.kept.get(task) ?? "") + now));
      writers?.forEach((written) => written(now));
    }
    if (this.news.size) this.frame = requestAnimationFrame(() => this.flush());
  }
}

/** Lines that are shown as they come, each with a number that stays its own; one that is being written is replaced. */
export interface Lines {
  done: { number: number; text: string }[];
  writing: string;
}

/** What those at work on one run do. */
export class Activity {
  private lines: Lines = { done: [], writing: "" };
  private news: Notice[] = [];
  private frame = 0;
  private told = 0;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly now = (): Lines => this.lines;

  /** The server's own list, which has all that was told until then. */
  reset(lines: string[]): void {
    this.news = [];
    this.show({ done: lines.map((text) => ({ number: this.told++, text })), writing: "" });
  }

  take(notice: Notice): void {
    this.news.push(notice);
    this.news.splice(0, this.news.length - LINES_MAX);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.show(this.news.splice(0).reduce((lines, one) => this.withLine(lines, one), this.lines));
    });
  }

  private withLine(lines: Lines, { kind, task, text }: Notice): Lines {
    const line = task ? `${task}: ${text}` : text;
    if (kind === "writing") return { done: lines.done, writing: line };
    return { done: [...lines.done, { number: this.told++, text: line }].slice(-LINES_MAX), writing: "" };
  }

  private show(lines: Lines): void {
    this.lines = lines;
    this.listeners.forEach((listener) => listener());
  }
}
