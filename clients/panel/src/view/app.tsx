/** The panel: the runs, and the one that is looked at. */
import { Component, lazy, type KeyboardEvent, type ReactNode, Suspense, useRef } from "react";
import type { PageInfo, RunInfo } from "../../../protocol";
import { type Panel, type Picture, type Tab, TABS, usePicture } from "../panel";
import { Cost } from "./cost";
import { Lifecycle } from "./lifecycle";
import { many } from "./marks";
import { Tasks } from "./tasks";
import { Tests } from "./tests";
import { Gates, RunWays } from "./ways";

/** The review brings Monaco along, and is loaded when it is opened. */
const Review = lazy(() => import("./review"));

export function App({ panel }: { panel: Panel }) {
  const picture = usePicture(panel);
  const { link, page, runs, said } = picture;
  return (
    <div className="flex h-full flex-col">
      {link === "lost" && (
        <p role="alert" className="border-b border-line px-3 py-1.5 text-bad">
          The server has gone. What is shown is how things were; it is asked again when it is back.
        </p>
      )}
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto md:flex-row md:overflow-hidden">
        {runs.length > 0 && <Runs panel={panel} runs={runs} shown={picture.run} />}
        <main className="min-w-0 flex-1 md:overflow-y-auto">
          {page && <Run panel={panel} picture={picture} page={page} />}
          {!page && link === "ready" && !runs.length && (
            <p className="p-3 text-quiet">There is no run yet. Start work on a goal in the editor.</p>
          )}
        </main>
      </div>
      <p
        role={said.wrong ? "alert" : "status"}
        className={`border-t border-line px-3 py-1.5 whitespace-pre-wrap wrap-anywhere empty:hidden ${said.wrong ? "text-bad" : ""}`}
      >
        {said.text}
      </p>
    </div>
  );
}

function Runs({ panel, runs, shown }: { panel: Panel; runs: RunInfo[]; shown: string }) {
  return (
    <nav
      aria-label="Runs"
      className="max-h-28 shrink-0 overflow-y-auto border-b border-line bg-raised py-1 md:max-h-none md:w-60 md:border-r md:border-b-0"
    >
      <ul>
        {runs.map((one) => (
          <li key={one.run}>
            <button
              type="button"
              aria-current={one.run === shown ? "page" : undefined}
              onClick={() => panel.show(one.run)}
              className="block w-full px-3 py-1 text-left -outline-offset-1 hover:bg-hover aria-[current]:bg-chosen"
            >
              <span className="block truncate">{one.title}</span>
              <span className={`block truncate text-[11px] ${one.waiting === "gate" ? "text-warn" : "text-quiet"}`}>
                {one.status}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Run({ panel, picture, page }: { panel: Panel; picture: Picture; page: PageInfo }) {
  const { run } = page;
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3 p-3">
      <header className="grid gap-1">
        <h1 className="text-[15px] wrap-anywhere">{run.title}</h1>
        <p className="text-quiet wrap-anywhere">{run.status}</p>
        <dl className="flex flex-wrap gap-x-4 text-[12px] text-quiet tabular-nums">
          <Fact name="Run" value={run.run} />
          {run.modelCalls > 0 && <Fact name="Cost" value={run.cost} />}
          <Fact name="Tokens" value={run.tokens.toLocaleString("en")} />
          <Fact name="Models" value={many(run.modelCalls, "call")} />
        </dl>
      </header>
      <Lifecycle stages={page.stages} percent={run.percent} />
      <Gates panel={panel} page={page} />
      {(run.failure || run.hint) && (
        <section aria-label="Failure" className="border-l-3 border-l-bad bg-raised px-3 py-2">
          <p className="text-bad wrap-anywhere whitespace-pre-wrap">{run.failure}</p>
          <p className="wrap-anywhere whitespace-pre-wrap">{run.hint}</p>
        </section>
      )}
      <RunWays panel={panel} page={page} />
      <Tabs panel={panel} tab={picture.tab} />
      <div role="tabpanel" id="tab" aria-labelledby={`tab-${picture.tab}`} className="grid grid-cols-[minmax(0,1fr)] gap-4">
        <Held key={picture.tab}>
          {picture.tab === "Tasks" && <Tasks panel={panel} page={page} />}
          {picture.tab === "Tests" && <Tests panel={panel} page={page} />}
          {picture.tab === "Cost" && <Cost page={page} />}
          {picture.tab === "Change" && (
            <Suspense fallback={<p className="text-quiet">Loading…</p>}>
              <Review panel={panel} change={picture.change} noChange={picture.noChange} />
            </Suspense>
          )}
        </Held>
      </div>
    </div>
  );
}

/** What cannot be loaded or drawn takes nothing else with it: gates can be decided all the same. */
class Held extends Component<{ children: ReactNode }, { why: string }> {
  override state = { why: "" };

  static getDerivedStateFromError(error: Error): { why: string } {
    return { why: error.message };
  }

  override render(): ReactNode {
    const { why } = this.state;
    return why ? <p className="text-bad">This cannot be shown: {why}</p> : this.props.children;
  }
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex gap-1">
      <dt>{name}</dt>
      <dd className="text-ink">{value}</dd>
    </div>
  );
}

function Tabs({ panel, tab }: { panel: Panel; tab: Tab }) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (TABS.indexOf(tab) + step + TABS.length) % TABS.length;
    panel.open(TABS[next] ?? tab);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label="About the run" className="flex gap-1 border-b border-line" onKeyDown={move}>
      {TABS.map((one) => (
        <button
          key={one}
          type="button"
          role="tab"
          id={`tab-${one}`}
          aria-selected={one === tab}
          aria-controls={one === tab ? "tab" : undefined}
          tabIndex={one === tab ? 0 : -1}
          onClick={() => panel.open(one)}
          className="-mb-px border-b-2 border-transparent px-2 py-1 text-quiet -outline-offset-1 hover:text-ink aria-selected:border-accent aria-selected:text-ink"
        >
          {one}
        </button>
      ))}
    </div>
  );
}
