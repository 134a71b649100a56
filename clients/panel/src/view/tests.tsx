/** What the tests say: each of them, the receipts of their commands, and what was remarked. */
import { useState } from "react";
import type { CaseInfo, PageInfo, ReceiptInfo, RemarkInfo } from "../../../protocol";
import type { Panel } from "../panel";
import { many, pathOf, Sign } from "./marks";

/** Tests that are drawn at first: what is not green comes first. */
const SHOWN = 100;

export function Tests({ panel, page }: { panel: Panel; page: PageInfo }) {
  return (
    <>
      {page.run.cautions.map((one) => (
        <p key={one} className="text-warn">
          {one}
        </p>
      ))}
      <Remarks panel={panel} remarks={page.remarks} />
      <Cases cases={page.cases} />
      <Receipts receipts={page.receipts} />
    </>
  );
}

function Remarks({ panel, remarks }: { panel: Panel; remarks: RemarkInfo[] }) {
  if (!remarks.length) return null;
  return (
    <section className="grid gap-1">
      <h2 className="heading">Remarks</h2>
      <ul className="grid gap-1.5">
        {remarks.map((one, at) => (
          <li key={at} className="border-l-2 border-line pl-2">
            <span className="text-quiet">
              {one.code}, {one.severity}{" "}
            </span>
            {one.uri && (
              <button type="button" className="text-now underline" onClick={() => void panel.openDocument(one.uri, one.line)}>
                {pathOf(one.uri)}:{one.line + 1}
              </button>
            )}
            <p className="whitespace-pre-wrap wrap-anywhere">{one.text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Cases({ cases }: { cases: CaseInfo[] }) {
  const [all, setAll] = useState(false);
  if (!cases.length) return <p className="text-quiet">No test has been run yet.</p>;
  return (
    <section className="grid gap-1">
      <h2 className="heading">{many(cases.length, "test")} of the newest receipt</h2>
      <ul>
        {(all ? cases : cases.slice(0, SHOWN)).map((one) => (
          <li key={one.name} className="flex items-baseline gap-1 py-px">
            <Sign mark={one.outcome} />
            <div className="min-w-0">
              <span className="font-mono text-[12px] wrap-anywhere">{one.name}</span>
              {one.before !== one.outcome && (
                <span className="text-quiet">{one.before ? ` was ${one.before} before` : " is new"}</span>
              )}
              {one.message && (
                <p className="font-mono text-[12px] text-quiet whitespace-pre-wrap wrap-anywhere">{one.message}</p>
              )}
            </div>
          </li>
        ))}
      </ul>
      {!all && cases.length > SHOWN && (
        <button type="button" className="pressable justify-self-start" onClick={() => setAll(true)}>
          Show all {cases.length}
        </button>
      )}
    </section>
  );
}

function Receipts({ receipts }: { receipts: ReceiptInfo[] }) {
  if (!receipts.length) return null;
  return (
    <section className="grid gap-1">
      <h2 className="heading">Receipts</h2>
      <ol className="grid gap-1.5">
        {receipts.toReversed().map((one, at) => (
          <li key={receipts.length - at} className="flex items-baseline gap-1">
            <Sign mark={one.exit === 0 ? "passed" : "failed"} word={one.exit === null ? "no exit code" : `exit ${one.exit}`} />
            <div className="min-w-0">
              <code className="font-mono text-[12px] wrap-anywhere">{one.command}</code>
              <p className="text-[12px] text-quiet tabular-nums">
                {one.passed} passed, {one.failed} failed, {one.seconds.toFixed(1)} seconds, tree {one.tree.slice(0, 12)}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
