/** The stages of a run, one after the other. */
import type { StageInfo } from "../../../protocol";
import { Sign } from "./marks";

export function Lifecycle({ stages, percent }: { stages: StageInfo[]; percent: number }) {
  return (
    <div className="grid gap-1.5">
      <ol aria-label="Stages" className="flex flex-wrap gap-x-1 gap-y-1">
        {stages.map((one, at) => (
          <li
            key={one.stage}
            aria-current={one.mark === "now" ? "step" : undefined}
            title={one.why || undefined}
            className="flex items-baseline gap-0.5 text-[12px] aria-[current]:font-semibold"
          >
            {at > 0 && <span aria-hidden="true" className="mr-1 h-px w-3 self-center bg-line" />}
            <Sign mark={one.mark} />
            <span className={one.mark === "later" || one.mark === "skipped" ? "text-quiet" : ""}>{one.stage}</span>
            {one.began !== null && <span className="text-[11px] text-quiet tabular-nums">{clock(one.began)}</span>}
            {one.why && <span className="sr-only">: {one.why}</span>}
          </li>
        ))}
      </ol>
      <progress aria-label="How far the run is" max={100} value={percent} className="progress" />
    </div>
  );
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
