// How the panel keeps up: eight tasks that print as fast as the server tells it. usage: node pace.mjs CHROMIUM
// Prints the longest task of the page's thread, and what scripts took of a frame, in milliseconds of the processor: what
// else the machine does meanwhile is not counted.
import { readFileSync } from "node:fs";
import { open } from "./host.mjs";

const SECONDS = 6;
const TASKS = 8;
/** As the server tells what is printed at most: so much of a task, so often. */
const BYTES = 16_384;
const EVERY_MS = 100;

const recorded = JSON.parse(readFileSync(new URL("recorded/building.json", import.meta.url), "utf8"));
const [task] = recorded.page.tasks;
const tasks = Array.from({ length: TASKS }, (_, at) => ({ ...task, id: `task-${at}` }));
const answers = { "wainwright.runs": recorded.runs, "wainwright.page": { ...recorded.page, tasks } };
const { page, troubles, close } = await open(process.argv[2], async (message) => answers[message.params.command]);
await page.getByRole("button", { name: /task-3/ }).click();
await page.getByText("Output of task-3").waitFor();

const session = await page.context().newCDPSession(page);
const events = [];
session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "toplevel"] } });
await page.evaluate(drive, { run: recorded.page.run.run, ids: tasks.map((one) => one.id), SECONDS, BYTES, EVERY_MS });
const ended = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
await session.send("Tracing.end");
await ended;
const printed = await page.locator(".xterm-rows").innerText();
await close();

const main = events.find((one) => one.name === "thread_name" && one.args.name === "CrRendererMain");
const own = events.filter((one) => one.ph === "X" && one.tid === main.tid && one.pid === main.pid);
const longest = Math.max(...own.filter((one) => one.name.endsWith("RunTask")).map((one) => one.tdur / 1000));
const frames = events.filter((one) => one.name === "AnimationFrame" && one.ph === "b" && one.pid === main.pid);
const scripts = outermost(own.filter((one) => ["FunctionCall", "EvaluateScript"].includes(one.name)));
const took = frames.slice(1).map(({ ts }, at) => during(scripts, frames[at].ts, ts) / 1000);
took.sort((one, other) => one - other);
const figures = {
  frames: took.length,
  longestTaskMs: round(longest),
  scriptingMedianMs: round(took[Math.floor(took.length * 0.5)]),
  scripting95Ms: round(took[Math.floor(took.length * 0.95)]),
  printed: printed.includes("line"),
  troubles,
};
console.log(JSON.stringify(figures));

/** In the page: what a server tells while all tasks print, and their activity, and that something has changed. */
function drive({ run, ids, SECONDS, BYTES, EVERY_MS }) {
  const row = "\u001b[32mok\u001b[0m line of a command that prints a lot, and then some more\n";
  const text = row.repeat(Math.floor(BYTES / row.length));
  let rounds = 0;
  return new Promise((done) => {
    const timer = setInterval(() => {
      for (const task of ids) {
        window.postMessage({ method: "wainwright/output", params: { run, task, text } });
        const params = { run, kind: "activity", text: `reads file ${rounds}`, stage: "BUILD", task };
        window.postMessage({ method: "wainwright/event", params });
      }
      window.postMessage({ method: "wainwright/event", params: { run, kind: "task-begun", text: "", stage: "BUILD" } });
      if (++rounds * EVERY_MS >= SECONDS * 1000) {
        clearInterval(timer);
        done();
      }
    }, EVERY_MS);
  });
}

/** A script that another one called is not counted twice. */
function outermost(spans) {
  let end = 0;
  return spans.toSorted((one, other) => one.ts - other.ts).filter(({ ts, dur }) => {
    const inside = ts < end;
    end = Math.max(end, ts + dur);
    return !inside;
  });
}

function during(spans, from, to) {
  return spans.reduce((sum, { ts, tdur }) => sum + (ts >= from && ts < to ? tdur : 0), 0);
}

function round(milliseconds) {
  return Math.round(milliseconds * 10) / 10;
}
