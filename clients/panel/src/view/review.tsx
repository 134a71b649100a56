/** The review of the change, hunk by hunk. */
import { lazy, Suspense, useEffect, useState } from "react";
import type { HunkInfo, HunkList } from "../../../protocol";
import type { Panel } from "../panel";
import type { Sides } from "./diff";
import { many } from "./marks";
import { type Offer, Ways } from "./ways";

const Diff = lazy(() => import("./diff"));

interface Props {
  panel: Panel;
  change: HunkList | null;
  noChange: string;
}

export default function Review({ panel, change, noChange }: Props) {
  const [chosen, setChosen] = useState(0);
  if (!change) return <p className="text-quiet">{noChange || "Loading…"}</p>;
  const hunk = change.hunks.find((one) => one.number === chosen) ?? change.hunks[0];
  const byFile = Map.groupBy(change.hunks, (one) => one.path);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3 lg:grid-cols-[minmax(17rem,2fr)_minmax(0,3fr)]">
      <div className="grid content-start gap-3">
        <p className="text-quiet">
          {many(change.hunks.length, "hunk")} in {many(change.files.length, "file")}
          {change.asked && "; what is not refused is taken over when the change is approved"}
        </p>
        {[...byFile].map(([path, hunks]) => (
          <section key={path} aria-label={path} className="grid gap-1.5">
            <h2 className="font-mono text-[12px] wrap-anywhere">{path}</h2>
            {hunks.length > 1 && <Ways panel={panel} offers={offers(change, { file: path })} />}
            {hunks.map((one) => (
              <Hunk
                key={one.number}
                panel={panel}
                hunk={one}
                // The only hunk of a file is that file.
                offers={offers(change, hunks.length > 1 ? { hunks: [one.number] } : { file: path }, one)}
                shown={one === hunk}
                show={setChosen}
              />
            ))}
          </section>
        ))}
      </div>
      {hunk && <Shown panel={panel} change={change} hunk={hunk} />}
    </div>
  );
}

interface HunkProps {
  panel: Panel;
  hunk: HunkInfo;
  offers: Offer[];
  shown: boolean;
  show(number: number): void;
}

const SAID: Record<HunkInfo["decision"], string> = {
  "": "",
  accept: "Accepted",
  reject: "Rejected",
  change: "To be changed",
};

function Hunk({ panel, hunk, offers, shown, show }: HunkProps) {
  const said = SAID[hunk.decision];
  return (
    <div className={`grid gap-1.5 border-l-3 py-0.5 pl-2 ${shown ? "border-l-accent" : "border-l-line"}`}>
      <button
        type="button"
        aria-pressed={shown}
        onClick={() => show(hunk.number)}
        className="flex flex-wrap items-baseline gap-x-2 text-left hover:underline"
      >
        <span className="font-semibold">Hunk {hunk.number}</span>
        <span className="text-quiet">
          line {hunk.line}
          {hunk.serves.length > 0 && `, serves ${hunk.serves.join(", ")}`}
          {hunk.tasks.length > 0 && `, by ${hunk.tasks.join(", ")}`}
        </span>
      </button>
      {said && (
        <p className={hunk.decision === "accept" ? "text-good" : "text-warn"}>
          {said}
          {hunk.reason && `: ${hunk.reason}`}
        </p>
      )}
      <Ways panel={panel} offers={offers} />
    </div>
  );
}

/** What can be said of hunks while the change is asked about, or done with them once it is handed over. */
function offers(change: HunkList, part: { file: string } | { hunks: [number] }, hunk?: HunkInfo): Offer[] {
  const { run, commit } = change;
  if (change.asked) {
    const argument = { run, commit, ...part };
    const explain = hunk ? [{ run, hunk: hunk.number }] : [];
    return [
      { title: "Accept", command: "wainwright.hunk", argument: { ...argument, decision: "accept" } },
      { title: "Reject", command: "wainwright.hunk", argument: { ...argument, decision: "reject" } },
      { title: "Change", command: "wainwright.hunk", argument: { ...argument, decision: "change" } },
      ...explain.map((one) => ({ title: "Explain", command: "wainwright.explainHunk", argument: one })),
    ];
  }
  if (!change.handed) return [];
  return [
    { title: "Revert", command: "wainwright.revert", argument: { run, ...part } },
    { title: "Apply", command: "wainwright.apply", argument: { run, ...part } },
  ];
}

/** The file of a hunk, before and after. */
function Shown({ panel, change, hunk }: { panel: Panel; change: HunkList; hunk: HunkInfo }) {
  const [sides, setSides] = useState<Sides | null>(null);
  const [trouble, setTrouble] = useState("");
  const { path } = hunk;
  // Of files whose paths end alike, the one with the shortest is in no folder beside.
  const [file] = change.files
    .filter((one) => decodeURIComponent(one.uri).endsWith(`/${path}`))
    .toSorted((one, other) => one.uri.length - other.uri.length);
  const before = file?.before ?? "";
  const after = file?.after ?? "";
  useEffect(() => {
    let wanted = true;
    const read = (uri: string) => (uri ? panel.channel.text(uri) : "");
    Promise.all([read(before), read(after)]).then(
      ([one, other]) => wanted && setSides({ path, before: one, after: other }),
      (why: Error) => wanted && setTrouble(why.message),
    );
    return () => {
      wanted = false;
    };
  }, [panel, path, before, after]);
  if (trouble) return <p className="text-bad">{trouble}</p>;
  return (
    <div className="sticky top-0 h-[min(70vh,40rem)] min-w-0 border border-line">
      <Suspense fallback={<p className="p-2 text-quiet">Loading…</p>}>
        {sides && <Diff sides={sides} line={hunk.line} />}
      </Suspense>
    </div>
  );
}
