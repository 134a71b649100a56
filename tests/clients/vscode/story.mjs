/** From a typed goal to its end and back, as a person does it in VS Code. */

import { play, told, until } from "./window.mjs";

const step = (what) => console.log(what);
const gate = (window, what) => until(`asked: ${what}`, async () => (await window.status()).includes(what));

await play(told.folder, async (window) => {
  const { page } = window;
  await window.load();
  await window.opens("calc/__init__.py");
  await page.locator(".editor-group-container.active .monaco-editor").last().click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\n# only in the buffer\n");

  step("a goal is typed, with the file that it is about");
  await window.command("Wainwright: Mention this in the goal");
  await page.locator(".tab.active", { hasText: "goal.md" }).waitFor();
  await until("the file is named", async () => (await window.text()).includes("`calc/__init__.py`"));
  await page.keyboard.press("Control+End");
  await page.keyboard.type(told.goal);
  await window.lens("Start").click();
  await gate(window, "Approve the plan?");
  await until("the status item is amber", () => window.isAmber());

  step("the plan is edited, and approved");
  await window.showsRuns();
  await window.row("Is the plan").click();
  await page.locator(".tab.active", { hasText: "plan.md" }).waitFor();
  await window.lens("Approve the plan").waitFor();
  await window.picture("plan");
  await window.typesAt(7, ", as Euclid would");
  await window.saves();
  await window.presses("as Euclid would", "Yes");

  step("a question is answered in words");
  await window.answers("revision 2", "Approve the plan");
  await window.row("cannot be finished").waitFor();
  await window.picture("question");
  await window.presses("cannot be finished", "Answer in words");
  await window.types(told.meant);
  await window.answers("revision 3", "Approve the plan");
  await gate(window, "Take the change over?");

  step("the window is loaded anew: the run is still there, and asks");
  await window.load();
  await gate(window, "Take the change over?");

  step("a hunk is rejected with a reason");
  await window.showsRuns();
  await window.row("Take the change over?").click();
  await window.lens("Reject hunk 1").waitFor();
  await window.picture("review");
  await window.lens("Reject hunk 1").click();
  await window.types(told.wrong);
  await window.toast("Hunk 1 is left out").waitFor();
  await window.presses("Take the change over?", "Yes");
  await window.toast("Take the change over?").waitFor();

  step("what commands print, and the panel, light and dark");
  await window.command("Wainwright: Show what commands print");
  await page.locator(".xterm-rows", { hasText: "passed" }).first().waitFor();
  await window.picture("terminal");
  await window.command("Wainwright: Open the panel");
  await window.panel().getByText("Take the change over?").first().waitFor();
  await window.picture("panel");
  await window.command("Preferences: Toggle between Light/Dark Themes");
  await page.locator(".monaco-workbench.vs-dark").waitFor();
  await window.picture("panel-dark");
  await window.panel().getByRole("button", { name: "Take the change over", exact: true }).click();

  step("it is in the buffer, beside what was typed");
  await window.opens("calc/__init__.py");
  await until("the change arrives", async () => (await window.text()).includes("def sub"));
  if (!(await window.text()).includes("# only in the buffer")) {
    throw new Error("what was typed is lost");
  }
  await gate(window, "Start the service");
  await window.presses("Start the service", "No, with a reason");
  await window.types("Not today.");
  await window.toast("DONE").waitFor();
  await page.locator(".comment-thread, .comment-thread-unresolved").first().waitFor();
  await window.picture("done");

  step("a file is taken back");
  await window.row("Start the service").waitFor({ state: "detached" }); // what is below it moves up
  await window.row("Documents").click();
  await page.locator(".monaco-list-row[aria-level='3']", { hasText: "change.diff" }).click();
  await window.lens("Revert hunk 1").click();
  await window.opens("calc/__init__.py");
  await until("it is taken back", async () => !(await window.text()).includes("def sub"));
  if (!(await window.text()).includes("# only in the buffer")) {
    throw new Error("what was typed is lost");
  }
});
