// A run from its plan to its end, in Chromium, by keyboard. usage: node story.mjs CHROMIUM
// It speaks lines of JSON with the test that has the server: what the panel asks and hears, and how far the story is.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { open } from "./host.mjs";

const pictures = process.env.PANEL_PICTURES;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SETTLES_MS = 1200;

const waiting = new Map();
const say = (key, message) =>
  new Promise((resolve, reject) => {
    waiting.set(key, { resolve, reject });
    console.log(JSON.stringify(message));
  });
const opened = open(process.argv[2], (message) => say(message.id, message));
const lines = createInterface({ input: process.stdin });
// From the beginning: the first answer may be there before the page has loaded.
lines.on("line", async (line) => {
  const message = JSON.parse(line);
  const known = waiting.get(message.id ?? message.reached);
  if (!known) await (await opened).tell(message);
  else if (message.error) known.reject(new Error(message.error.message));
  else known.resolve(message.result);
});
const { page, troubles, close } = await opened;
page.setDefaultTimeout(90_000);
process.on("uncaughtException", async (error) => {
  if (pictures) await page.screenshot({ path: `${pictures}/failed.png`, fullPage: true });
  console.error(error, await page.locator("body").innerText(), troubles);
  process.exit(1);
});

/** Tells the test how far the story is; returns when the test has done its part. */
const reached = (step) => say(step, { reached: step });

/** Moves with Tab until what is wanted has the focus: what cannot be reached by keyboard is not found. */
async function focus(wanted) {
  await wanted.waitFor();
  for (let step = 0; step < 150; step++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${wanted} is not reached by Tab`);
}

async function press(name, within = page) {
  await focus(within.getByRole("button", { name, exact: true }));
  await page.keyboard.press("Enter");
}

async function write(words) {
  await page.keyboard.type(words);
  await page.keyboard.press("Control+Enter");
}

/** No finding of axe in either theme, wide and narrow, and nothing that hangs over the edge. */
async function looksRight(state) {
  for (const [scheme, width] of [["light", 1100], ["dark", 1100], ["light", 320], ["dark", 320]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    if (pictures) await page.screenshot({ path: `${pictures}/${state}-${scheme}-${width}.png` });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${state}, ${scheme}, ${width}: ${wide} pixels hang over the edge`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`)}`);
    assert.deepEqual(found, [], `${state}, ${scheme}, ${width}`);
  }
  await page.setViewportSize({ width: 1100, height: 800 });
}

const gate = (question) => page.getByRole("region", { name: "Decide" }).filter({ hasText: question });
/** Decides at a gate. Who reads it decides later than a click that was meant for the gate before: so the server sees it. */
const decide = async (question, way) => {
  await gate(question).waitFor();
  await page.waitForTimeout(SETTLES_MS);
  await press(way, gate(question));
};
const tab = async (name) => {
  await focus(page.locator("[role=tab][aria-selected=true]"));
  for (let step = 0; step < 4; step++) {
    if (await page.getByRole("tab", { name, selected: true }).count()) return;
    await page.keyboard.press("ArrowRight");
  }
  assert.fail(`there is no tab ${name}`);
};

await gate("Is the plan").waitFor();
await looksRight("plan");
await decide("Is the plan", "Approve the plan");

const task = page.getByRole("button", { name: /^now: subtract/ });
await focus(task);
await page.keyboard.press("Enter");
await page.getByRole("region", { name: "Task subtract" }).waitFor();
await page.locator(".xterm-rows").filter({ hasText: "passed" }).waitFor();
await looksRight("building");
await reached("printed");

await decide("Is the plan", "Approve the plan");
await gate("cannot be finished").waitFor();
await looksRight("question");
await decide("cannot be finished", "Answer in words…");
await write("Whole numbers only.");
await reached("answered");
await decide("Is the plan", "Approve the plan");

await gate("Take the change over?").waitFor();
await tab("Change");
const hunk = page.getByRole("region", { name: "calc/__init__.py" });
await hunk.waitFor();
await page.locator(".monaco-diff-editor .line-insert").first().waitFor();
await looksRight("review");
await press("Reject…", hunk);
await write("Say what it returns.");
await hunk.getByText("Rejected: Say what it returns.").waitFor();
await reached("rejected");
await decide("Take the change over?", "Take the change over");

await page.locator(".monaco-diff-editor").getByText("What is left of a without b.").waitFor();
await decide("Take the change over?", "Take the change over");
await decide("Start the service", "Do not start the service…");
await page.keyboard.press("Control+Enter");

await page.getByText(/^DONE/).first().waitFor();
await tab("Tests");
await page.getByText("tests/test_sub.py::test_sub").waitFor();
await looksRight("tests");
await tab("Cost");
await page.getByRole("rowheader", { name: /implementer/ }).waitFor();
await looksRight("cost");
await tab("Tasks");
await looksRight("done");
await tab("Change");
await press("Revert", hunk);
await page.getByRole("status").filter({ hasText: "was taken back" }).waitFor();
await looksRight("reverted");
await reached("reverted");
assert.deepEqual(troubles, []);
await close();
lines.close();
