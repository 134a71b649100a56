/** The tasks of the plan as a picture, and the one that is chosen with what it prints. */
import { type KeyboardEvent, lazy, Suspense, useRef, useState, useSyncExternalStore } from "react";
import type { PageInfo, TaskInfo } from "../../../protocol";
import { layers, type Placed } from "../layers";
import type { Activity } from "../live";
import type { Panel } from "../panel";
import { many, Sign } from "./marks";
import { Ways } from "./ways";

const Terminal = lazy(() => import("./terminal"));

/** Of one box, and between boxes, in pixels. */
const WIDE = 148;
const HIGH = 40;
const GAP_X = 36;
const GAP_Y = 12;
const EDGE = 3;

export function Tasks({ panel, page }: { panel: Panel; page: PageInfo }) {
  const [chosen, setChosen] = useState("");
  const { tasks, run } = page;
  const task = tasks.find((one) => one.id === chosen);
  return (
    <>
      {tasks.length > 0 && (
        <Graph tasks={tasks} chosen={chosen} choose={(id) => setChosen(id === chosen ? "" : id)} />
      )}
      {task && <Detail key={task.id} panel={panel} task={task} />}
      {!run.ended && (
        <Suspense fallback={null}>
          <Terminal key={`${run.run} ${chosen}`} output={panel.output} task={chosen} run={run.run} />
        </Suspense>
      )}
      <Log activity={panel.activity} />
      <Around panel={panel} page={page} />
    </>
  );
}

function Graph({ tasks, chosen, choose }: { tasks: TaskInfo[]; chosen: string; choose(id: string): void }) {
  const picture = useRef<SVGSVGElement>(null);
  const placed = layers(tasks);
  const at = new Map(placed.map((one) => [one.task.id, one]));
  const width = Math.max(...placed.map(right)) + EDGE;
  const height = Math.max(...placed.map((one) => top(one) + HIGH)) + EDGE;
  const move = (event: KeyboardEvent, from: Placed): void => {
    const next = beside(placed, from, event.key);
    if (!next) return;
    event.preventDefault();
    picture.current?.querySelector<HTMLElement>(`[data-task="${CSS.escape(next.task.id)}"]`)?.focus();
  };
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-1">
      <h2 className="heading">{many(tasks.length, "task")}, left to right by what each needs</h2>
      <div className="overflow-x-auto">
        <svg ref={picture} role="group" aria-label="Tasks" width={width} height={height} className="block">
          {placed.flatMap((to) =>
            to.task.needs.map((id) => {
              const from = at.get(id);
              return from && <Edge key={`${id} ${to.task.id}`} from={from} to={to} />;
            }),
          )}
          {placed.map((one) => (
            <foreignObject key={one.task.id} x={left(one)} y={top(one)} width={WIDE} height={HIGH} className="overflow-visible">
              <button
                type="button"
                data-task={one.task.id}
                aria-pressed={one.task.id === chosen}
                title={one.task.title}
                onClick={() => choose(one.task.id)}
                onKeyDown={(event) => move(event, one)}
                className={`flex h-full w-full items-center gap-0.5 rounded-xs border bg-raised px-1 text-left hover:bg-hover aria-pressed:bg-chosen ${LINES[one.task.mark]}`}
              >
                <Sign mark={one.task.mark} />
                <span className="min-w-0">
                  <span className="block truncate">{one.task.id}</span>
                  <span className="block truncate text-[11px] text-quiet">{one.task.status}</span>
                </span>
              </button>
            </foreignObject>
          ))}
        </svg>
      </div>
    </section>
  );
}

const LINES: Record<TaskInfo["mark"], string> = {
  done: "border-good",
  now: "border-now",
  later: "border-line",
  skipped: "border-line border-dashed",
  wrong: "border-bad",
};

function Edge({ from, to }: { from: Placed; to: Placed }) {
  const [x, y, ex, ey] = [right(from), top(from) + HIGH / 2, left(to), top(to) + HIGH / 2];
  const bend = (ex - x) / 2;
  return (
    <path
      d={`M${x},${y} C${x + bend},${y} ${ex - bend},${ey} ${ex},${ey}`}
      fill="none"
      strokeWidth={1.25}
      className={to.task.mark === "now" ? "flows stroke-now" : from.task.mark === "done" ? "stroke-good" : "stroke-quiet"}
    />
  );
}

const left = (one: Placed): number => EDGE + one.layer * (WIDE + GAP_X);
const right = (one: Placed): number => left(one) + WIDE;
const top = (one: Placed): number => EDGE + one.row * (HIGH + GAP_Y);

const STEPS: Record<string, [number, number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

/** The task that an arrow key leads to. */
function beside(placed: Placed[], from: Placed, key: string): Placed | undefined {
  const [across, down] = STEPS[key] ?? [0, 0];
  if (down) return placed.find((one) => one.layer === from.layer && one.row === from.row + down);
  if (!across) return undefined;
  const far = (one: Placed): number => Math.abs(one.row - from.row);
  return placed.filter((one) => one.layer === from.layer + across).toSorted((one, other) => far(one) - far(other))[0];
}

function Detail({ panel, task }: { panel: Panel; task: TaskInfo }) {
  const offers = task.ways.map(({ short, command, argument }) => ({ title: short, command, argument }));
  return (
    <section aria-label={`Task ${task.id}`} className="grid gap-1.5">
      <h2 className="wrap-anywhere">{task.title}</h2>
      <p className="text-quiet">
        {task.id}: {task.status}
        {task.attempt > 0 && `, attempt ${task.attempt + 1}`}
        {task.needs.length > 0 && `, needs ${task.needs.join(", ")}`}
      </p>
      {task.writes.length > 0 && <p className="font-mono text-[12px] wrap-anywhere">{task.writes.join("  ")}</p>}
      {task.summary && <p className="whitespace-pre-wrap wrap-anywhere">{task.summary}</p>}
      <Ways panel={panel} offers={offers} />
    </section>
  );
}

function Log({ activity }: { activity: Activity }) {
  const { done, writing } = useSyncExternalStore(activity.subscribe, activity.now);
  if (!done.length && !writing) return null;
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-1">
      <h2 id="activity" className="heading">
        What is going on
      </h2>
      {/* The newest line stays in sight, and whoever scrolls back is left alone: a column that begins at its end. */}
      <div
        role="log"
        aria-labelledby="activity"
        tabIndex={0}
        className="flex max-h-56 flex-col-reverse overflow-y-auto bg-raised px-2 py-1 font-mono text-[12px] contain-content"
      >
        <div>
          {done.map(({ number, text }) => (
            <p key={number} className="whitespace-pre-wrap wrap-anywhere">
              {text}
            </p>
          ))}
          <p className="whitespace-pre-wrap wrap-anywhere">{writing}</p>
        </div>
      </div>
    </section>
  );
}

/** What the run has around it: documents, a service, notes, and how it ended. */
function Around({ panel, page }: { panel: Panel; page: PageInfo }) {
  const { documents, service, ending, run } = page;
  return (
    <>
      {ending.map((one) => (
        <p key={one} className="wrap-anywhere">
          {one}
        </p>
      ))}
      {service && (
        <p className="wrap-anywhere">
          Serves at <span className="font-mono">{service.url}</span>. {service.fence}
        </p>
      )}
      {run.notes.length > 0 && (
        <section className="grid gap-1">
          <h2 className="heading">Notes</h2>
          {run.notes.map((one, at) => (
            <p key={at} className="wrap-anywhere">
              {one.words}{" "}
              <span className="text-quiet">
                {one.received.length ? `(received by ${one.received.join(", ")})` : "(nobody has received it yet)"}
              </span>
            </p>
          ))}
        </section>
      )}
      {documents.length > 0 && (
        <section className="grid gap-1">
          <h2 className="heading">Documents</h2>
          <div className="flex flex-wrap gap-x-3 gap-y-1">
            {documents.map((one) => (
              <button key={one.uri} type="button" className="text-now underline" onClick={() => void panel.openDocument(one.uri)}>
                {one.name}
              </button>
            ))}
          </div>
        </section>
      )}
    </>
  );
}
