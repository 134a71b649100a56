import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { describe, expect, test, vi } from "vitest";
import type { Notice } from "../../protocol";
import type { Kept } from "../src/channel";
import { KEPT_MAX, LINES_MAX, Output } from "../src/live";
import { layers } from "../src/layers";
import { Panel } from "../src/panel";
import { App } from "../src/view/app";
import { RecordedHost, recorded } from "./recorded";

// Monaco draws in a browser alone; there it is tried by the story in Chromium.
vi.mock("../src/view/diff", () => ({
  default: ({ sides }: { sides: { before: string; after: string } }) => <pre>{`${sides.before}>>>${sides.after}`}</pre>,
}));

const MOMENTS = ["plan", "building", "question", "change", "rejected", "done", "reverted", "failed"];

async function shown(moment: string, kept: Kept = {}) {
  const host = new RecordedHost(await recorded(moment), kept);
  const panel = new Panel(host);
  const view = render(<App panel={panel} />);
  await screen.findByRole("heading", { level: 1 });
  return { host, panel, view, person: userEvent.setup() };
}

const press = async (person: ReturnType<typeof userEvent.setup>, name: string, within_ = screen.getByRole("main")) =>
  person.click(within(within_).getByRole("button", { name }));

const WORDS = { name: /your words$/ };
const field = () => screen.getByRole("textbox", WORDS);

describe.each(MOMENTS)("a run at the moment %s", (moment) => {
  test.each(["Tasks", "Change", "Tests", "Cost"])("axe finds nothing in %s", async (tab) => {
    const { host, view } = await shown(moment, { tab });
    expect(screen.getByRole("tab", { name: tab }).getAttribute("aria-selected")).toBe("true");
    if (tab === "Change") {
      const text = host.moment.change?.hunks[0]?.path ?? host.moment.noChange;
      await screen.findAllByText(text);
    }
    // Colours are laid out by a browser alone.
    const { violations } = await axe.run(view.container, { rules: { "color-contrast": { enabled: false } } });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`)).toEqual([]);
  });

  test("the server's words are shown, and its ways are buttons", async () => {
    const { host } = await shown(moment);
    const { page } = host.moment;
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe(page.run.title);
    for (const { stage } of page.stages) expect(screen.getByRole("list", { name: "Stages" }).textContent).toContain(stage);
    for (const gate of page.run.gates) {
      const region = screen.getByRole("region", { name: "Decide" });
      for (const word of [gate.yes, gate.no, gate.answer].filter(Boolean))
        within(region).getByRole("button", { name: new RegExp(`^${word}`) });
    }
    const beside = page.ways.filter((way) => !("gate" in way.argument) && !("document" in way.argument));
    for (const way of beside) expect(screen.getAllByRole("button", { name: new RegExp(`^${way.short}`) })).toHaveLength(1);
  });
});

test("a plan is approved as it was read", async () => {
  const { host, person } = await shown("plan");
  const [gate] = host.moment.page.run.gates;
  await press(person, "Approve the plan");
  expect(host.last("wainwright.approve")).toEqual({ run: "several-tasks", gate: gate?.id, seen: gate?.seen });
});

test("a plan is refused with words, and without", async () => {
  const { host, person } = await shown("plan");
  const [gate] = host.moment.page.run.gates;
  await press(person, "Reject the plan…");
  await person.type(field(), "Too many tasks.{Control>}{Enter}{/Control}");
  const argument = { run: "several-tasks", gate: gate?.id, seen: gate?.seen };
  expect(host.last("wainwright.reject")).toEqual({ ...argument, reason: "Too many tasks." });
  await waitFor(() => expect(screen.queryByRole("textbox", WORDS)).toBeNull());
  await press(person, "Reject the plan…");
  await person.keyboard("{Escape}");
  expect(document.activeElement?.textContent).toBe("Reject the plan…");
  await press(person, "Reject the plan…");
  await person.click(screen.getByRole("button", { name: "Reject the plan" }));
  expect(host.last("wainwright.reject")).toEqual(argument);
});

test("a question is answered in words", async () => {
  const { host, person } = await shown("question");
  await press(person, "Answer in words…");
  await person.type(field(), "Whole numbers only.{Control>}{Enter}{/Control}");
  expect(host.last("wainwright.answer")).toMatchObject({ words: "Whole numbers only." });
});

test("a hunk is refused with words, and what the server then says of it is shown", async () => {
  const { host, person } = await shown("change", { tab: "Change" });
  const file = await screen.findByRole("region", { name: "calc/__init__.py" });
  await screen.findByText(/>>>.*def sub/s);
  const commit = host.moment.change?.commit;
  host.moment = await recorded("rejected");
  await press(person, "Reject…", file);
  await person.type(field(), "Say what it returns.{Control>}{Enter}{/Control}");
  await within(file).findByText("Rejected: Say what it returns.");
  expect(host.last("wainwright.hunk")).toEqual({
    run: "several-tasks", commit, file: "calc/__init__.py", decision: "reject", reason: "Say what it returns.",
  });
});

test("what cannot be drawn takes no gate with it", async () => {
  const quiet = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { host } = await shown("change", { tab: "Change" });
  await screen.findByText(/>>>.*def sub/s);
  host.moment = { ...host.moment, change: { ...host.moment.change, hunks: null } as never };
  host.tell({ method: "panel/ready" });
  await screen.findByText(/^This cannot be shown/, undefined, { timeout: 3000 });
  screen.getByRole("button", { name: "Take the change over" });
  quiet.mockRestore();
});

test("a file that was handed over is taken back", async () => {
  const { host, person } = await shown("done", { tab: "Change" });
  await press(person, "Revert", await screen.findByRole("region", { name: "calc/power.py" }));
  expect(host.last("wainwright.revert")).toEqual({ run: "several-tasks", file: "calc/power.py" });
});

test("tasks are reached by keyboard, each right of what it needs", async () => {
  const { host, person } = await shown("building");
  const { tasks } = host.moment.page;
  const at = new Map(layers(tasks).map((one) => [one.task.id, one.layer]));
  for (const task of tasks) for (const need of task.needs) expect(at.get(need)).toBeLessThan(at.get(task.id) ?? 0);
  const task = (id: string) => screen.getByRole("button", { name: new RegExp(`^\\w+: ?${id}`) });
  task("subtract").focus();
  await person.keyboard("{ArrowRight}{ArrowRight}");
  expect(document.activeElement).toBe(task("describe"));
  await person.keyboard("{ArrowLeft}{ArrowLeft}{Enter}");
  const region = screen.getByRole("region", { name: "Task subtract" });
  await press(person, "Pause", region);
  expect(host.last("wainwright.task")).toEqual({ run: "several-tasks", task: "subtract", way: "pause" });
});

test("a page is asked for again when a fact says so, not for what goes by, and not more than twice a second", async () => {
  const { host } = await shown("building");
  const run = host.moment.page.run.run;
  const notice = (kind: string, text = ""): Notice => ({ run, kind, text, stage: "BUILD", task: "list" });
  const tell = (params: Notice) => host.tell({ method: "wainwright/event", params });
  const before = host.all("wainwright.page").length;
  for (let line = 0; line < 3 * LINES_MAX; line++) tell(notice("activity", `reads ${line}`));
  tell(notice("writing", "writes 7 lines"));
  await screen.findByText("list: writes 7 lines");
  expect(screen.getByRole("log").textContent).toContain(`list: reads ${3 * LINES_MAX - 1}`);
  expect(screen.queryByText("list: reads 0")).toBeNull();
  tell(notice("activity", "reads on"));
  await screen.findByText("list: reads on");
  expect(screen.queryByText("list: writes 7 lines")).toBeNull();
  expect(host.all("wainwright.page")).toHaveLength(before);
  const began = performance.now();
  while (performance.now() - began < 1300) {
    tell(notice("action-done"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const asked = host.all("wainwright.page").length - before;
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThanOrEqual(1 + (performance.now() - began) / 500);
});

test("what came of an edit is told", async () => {
  const { host } = await shown("done");
  const { told } = await recorded("reverted");
  const [edit] = told.filter((one) => one.method === "wainwright/event" && "edit" in one.params);
  expect(edit).toMatchObject({ params: { kind: "revert", edit: { status: "applied" } } });
  if (edit) host.tell(edit);
  await screen.findByText(/calc\/power\.py.*was taken back/);
});

test("a server that goes and comes back is said so, and asked anew", async () => {
  const { host } = await shown("building");
  host.tell({ method: "panel/lost" });
  await screen.findByText(/The server has gone/);
  host.moment = await recorded("done");
  host.tell({ method: "panel/ready" });
  await waitFor(() => expect(screen.queryByText(/The server has gone/)).toBeNull());
  await waitFor(() => expect(screen.getAllByText(/^DONE/)).not.toHaveLength(0));
});

test("what the person looked at is kept, and the host may show another run", async () => {
  const { host, person } = await shown("done", { run: "gone-by-now", tab: "Tests" });
  expect(host.kept()).toEqual({ run: "several-tasks", tab: "Tests" });
  await person.click(screen.getByRole("tab", { name: "Tests" }));
  await person.keyboard("{ArrowRight}");
  expect(host.kept().tab).toBe("Cost");
  host.moment = await recorded("failed");
  host.tell({ method: "panel/show", params: { run: "a-question" } });
  await waitFor(() => expect(host.kept().run).toBe("a-question"));
  const { failure } = host.moment.page.run;
  await screen.findByText(failure);
});

test("what a task printed is kept in a bound, from the beginning of a line", async () => {
  const output = new Output();
  const row = "a line that a command printed\n";
  for (let piece = 0; piece < 60; piece++) output.take({ run: "r", task: "t", text: row.repeat(400) });
  await new Promise(requestAnimationFrame);
  const written: string[] = [];
  output.follow("t", (text) => written.push(text));
  const kept = written.join("");
  expect(kept.length).toBeGreaterThan(KEPT_MAX / 2);
  expect(kept.length).toBeLessThanOrEqual(2 * KEPT_MAX);
  expect(kept.startsWith(row)).toBe(true);
});
