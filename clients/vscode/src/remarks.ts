/** What was remarked of the newest change, as comments beside its lines; the problems have the same, with a way to mend it. */

import { Comment, CommentMode, comments, CommentThread, CommentThreadCollapsibleState, Disposable, MarkdownString, Range, Uri } from "vscode";
import type { PageInfo, RemarkInfo } from "../../protocol";
import type { Runs } from "./runs";

const AUTHORS: Partial<Record<RemarkInfo["code"], string>> = { review: "Reviewer", noticed: "Critic", incident: "Monitor" };

export class Remarks implements Disposable {
  private readonly controller = comments.createCommentController("wainwright.remarks", "Wainwright");
  private readonly subscription: Disposable;
  private shown: CommentThread[] = [];
  private told = "";

  constructor(private readonly runs: Runs) {
    this.subscription = runs.changed(() => void this.look());
  }

  dispose(): void {
    this.subscription.dispose();
    this.controller.dispose();
  }

  private async look(): Promise<void> {
    const newest = this.runs.all[0];
    const page = newest && (await this.runs.page(newest.run).catch(() => undefined));
    this.show(page);
  }

  /** Threads that a person has opened stay as long as the remarks are the same. */
  private show(page: PageInfo | undefined): void {
    const remarks = (page?.remarks ?? []).filter(({ uri, code }) => uri !== "" && code in AUTHORS);
    const told = JSON.stringify(remarks);
    if (told === this.told) {
      return;
    }
    this.told = told;
    this.shown.forEach((thread) => thread.dispose());
    this.shown = remarks.map((remark) => this.thread(remark));
  }

  private thread(remark: RemarkInfo): CommentThread {
    const comment: Comment = {
      author: { name: AUTHORS[remark.code] ?? "" },
      body: new MarkdownString().appendText(remark.text), // of a model: nothing in it is a link or an image
      label: remark.severity,
      mode: CommentMode.Preview,
    };
    const at = new Range(remark.line, 0, remark.line, 0);
    const thread = this.controller.createCommentThread(Uri.parse(remark.uri), at, [comment]);
    thread.canReply = false;
    thread.collapsibleState = CommentThreadCollapsibleState.Collapsed;
    return thread;
  }
}
