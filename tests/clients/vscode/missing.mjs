/** Something is missing: each says what to do, and one press leads there. */

import { writeFileSync } from "node:fs";
import { play, told, until } from "./window.mjs";

async function startsAndIsAsked(window, first = async () => undefined) {
  await window.page.keyboard.press("Control+End");
  await window.page.keyboard.type(told.goal);
  await window.lens("Start").click();
  await first();
  await until("it asks about the plan", async () => (await window.status()).includes("Approve the plan?"));
}

const CASES = {
  /** The setting names a program that is not there; once it names one, the server runs without more ado: a command, a goal
   * and a press later a person is asked for the first time. */
  async path(window) {
    await window.answers("is not there", "Open the setting");
    await window.page.locator(".settings-editor", { hasText: "Wainwright" }).first().waitFor();
    await window.picture("wrong-path");
    writeFileSync(told.settings, JSON.stringify({ "wainwright.server.command": told.command }));
    await until("the setting has been heard of", async () => {
      await window.command("Wainwright: Start work on a goal");
      return window.page.locator(".tab.active", { hasText: "goal.md" }).waitFor({ timeout: 5000 }).then(() => true, () => false);
    });
    await startsAndIsAsked(window);
  },

  /** No server is there: the one that came with the extension is installed. */
  async server(window) {
    await window.answers("neither in .venv", "Install it");
    await window.toast("installs what it needs").waitFor();
    await until("it is installed", async () => !(await window.toast("installs").count()), 400_000);
    await window.command("Wainwright: Start work on a goal");
    await window.page.locator(".tab.active", { hasText: "goal.md" }).waitFor();
  },

  /** No folder is open. */
  async folder(window) {
    await window.command("Wainwright: Start work on a goal");
    await window.answers("none is open", "Open a folder");
    await window.page.locator(".quick-input-widget:visible", { hasText: "Open Folder" }).waitFor();
  },

  /** The editor does not trust the folder: nothing of it is run. */
  async trust(window) {
    await window.command("Wainwright: Start work on a goal");
    await window.answers("waits until you trust it", "Manage trust");
    await window.page.getByRole("button", { name: /^Trust$/ }).first().click();
    await window.command("Wainwright: Start work on a goal");
    await window.page.locator(".tab.active", { hasText: "goal.md" }).waitFor();
  },

  /** No model is set: whoever starts a goal is asked for one, and then it begins. */
  async model(window) {
    await window.command("Wainwright: Start work on a goal");
    await window.page.locator(".tab.active", { hasText: "goal.md" }).waitFor();
    await startsAndIsAsked(window, async () => {
      await window.answers("Who is asked?", "A server of my own");
      await window.types(told.model);
      await window.types("any");
    });
  },
};

await play(told.case === "folder" ? "" : told.folder, async (window) => {
  await window.load();
  await CASES[told.case](window);
});
