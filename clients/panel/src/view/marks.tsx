/** How far something is, as a sign and a word: never by its colour alone. */
import type { CaseInfo, StageInfo, TaskInfo } from "../../../protocol";

type Mark = StageInfo["mark"] | TaskInfo["mark"] | CaseInfo["outcome"];

const SIGNS: Record<Mark, string> = {
  done: "✓",
  now: "●",
  later: "○",
  skipped: "–",
  wrong: "✗",
  passed: "✓",
  failed: "✗",
  error: "✗",
};
const INKS: Record<Mark, string> = {
  done: "text-good",
  now: "text-now",
  later: "text-quiet",
  skipped: "text-quiet",
  wrong: "text-bad",
  passed: "text-good",
  failed: "text-bad",
  error: "text-bad",
};

export function Sign({ mark, word }: { mark: Mark; word?: string }) {
  return (
    <>
      <span aria-hidden="true" className={`inline-block w-4 shrink-0 text-center ${INKS[mark]}`}>
        {SIGNS[mark]}
      </span>
      <span className="sr-only">{word ?? mark}: </span>
    </>
  );
}

/** A quantity and its noun. */
export function many(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** What a document's URI says for a person: the end of its path. */
export function pathOf(uri: string): string {
  return decodeURIComponent(uri).split("/").slice(-2).join("/");
}
