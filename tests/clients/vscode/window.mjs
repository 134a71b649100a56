/** A window of VS Code in a browser without a screen, and what a person does in it. Every wait is bounded. */

import { createRequire } from "node:module";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../../clients/panel/package.json", import.meta.url));
const { chromium } = require("playwright-core");

/** What the test around this says: address, folder, chromium, screenshots. */
export const told = JSON.parse(process.argv[2]);
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 60_000);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
];

/** Waits until something is so, and gives it. */
export async function until(what, found, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const one = await found();
    if (one) {
      return one;
    }
    if (Date.now() > end) {
      throw new Error(`never: ${what}`);
    }
    await new Promise((soon) => setTimeout(soon, 50));
  }
}

export class Window {
  /** Opens a window with a folder, or with none. */
  static async open(folder = told.folder, payload = []) {
    const profile = mkdtempSync(join(tmpdir(), "window-"));
    const options = { executablePath: told.chromium, headless: true, viewport: { width: 1280, height: 800 }, args: FLAGS };
    const context = await chromium.launchPersistentContext(profile, options);
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(PATIENCE_MS);
    const window = new Window(context, page, folder, payload);
    return window;
  }

  constructor(context, page, folder, payload) {
    this.context = context;
    this.page = page;
    this.address = `${told.address}/?${new URLSearchParams({
      ...(folder ? { folder } : { ew: "true" }),
      ...(payload.length ? { payload: JSON.stringify(payload) } : {}),
    })}`;
  }

  /** Loads it, also anew. */
  async load() {
    await this.page.goto(this.address);
    await this.page.locator(".monaco-workbench .statusbar").waitFor();
    return this;
  }

  /** Runs a command of the palette, by its whole title. What an extension brings is there a moment after the window. */
  async command(title) {
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
    await until(`the command ${title}`, async () => {
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("F1");
      try {
        await this.page.locator(".quick-input-widget input.input").fill(`>${title}`, { timeout: 2000 });
        await row.click({ timeout: 2000 });
        return true;
      } catch {
        return false;
      }
    });
  }

  /** Types a line into the input that is open, and ends it. */
  async types(line) {
    const input = this.page.locator(".quick-input-widget:visible input.input");
    await input.waitFor();
    await input.fill(line);
    await input.press("Enter");
  }

  /** Whether what is typed into the open input is hidden. */
  async inputIs(kind) {
    await this.page.locator(`.quick-input-widget:visible input[type=${kind}]`).waitFor();
  }

  /** Presses a button of a notification that says something. */
  async answers(question, button) {
    const toast = this.toast(question);
    await toast.waitFor();
    await toast.getByRole("button", { name: button }).first().click();
  }

  /** A notification that says something. */
  toast(says) {
    return this.page.locator(".notifications-toasts .notification-list-item", { hasText: says }).first();
  }

  /** What the status item says; empty where there is none. */
  async status() {
    const item = this.page.locator("[id='wainwright.wainwright.wainwright.status']");
    return (await item.count()) ? (await item.innerText()).trim() : "";
  }

  /** Whether the status item is amber. */
  async isAmber() {
    const item = this.page.locator("[id='wainwright.wainwright.wainwright.status'].warning-kind");
    return (await item.count()) > 0;
  }

  /** Opens the tree of runs. */
  async showsRuns() {
    const runs = this.page.locator(".pane-header", { hasText: "Runs" }).or(this.page.locator(".composite.title", { hasText: "Wainwright: Runs" }));
    if (!(await runs.first().isVisible())) {
      await this.page.locator(".activitybar [aria-label^=Wainwright]").first().click();
    }
    await runs.first().waitFor();
  }

  /** A row below a run in the tree of runs, by a part of what it says, also of what a screen reader is told. */
  row(text) {
    return this.page.locator(`.pane-body .monaco-list-row[aria-level='2']:has([aria-label*="${text}"]), .pane-body .monaco-list-row[aria-level='2'][aria-label*="${text}"]`).first();
  }

  /** Presses a button beside a row of the tree. */
  async presses(row, button) {
    await this.row(row).hover();
    await this.row(row).getByRole("button", { name: button, exact: true }).click();
  }

  /** Types at the end of a line of the editor that has the focus. */
  async typesAt(line, text) {
    await this.page.keyboard.press("Control+G");
    await this.types(`:${line}`);
    await this.page.keyboard.press("End");
    await this.page.keyboard.type(text);
  }

  /** Saves the document that has the focus. */
  async saves() {
    await this.page.locator(".tab.active.dirty").waitFor();
    await this.page.keyboard.press("Control+S");
    await this.page.locator(".tab.active:not(.dirty)").waitFor();
  }

  /** A lens above a text. */
  lens(title) {
    return this.page.locator(".codelens-decoration a", { hasText: title }).first();
  }

  /** The text of the editor that has the focus, as far as it is in sight. */
  async text() {
    const lines = this.page.locator(".editor-group-container.active .monaco-editor .view-lines").last();
    return (await lines.innerText()).replace(/\u00a0/g, " ");
  }

  /** The frame of the panel. */
  panel() {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
  }

  /** Opens a file by its name. */
  async opens(name) {
    await this.page.keyboard.press("Control+P");
    await this.page.locator(".quick-input-widget input.input").fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name.split("/").at(-1) }).first().click();
    await this.page.locator(".tab.active", { hasText: name.split("/").at(-1) }).waitFor();
  }

  /** Keeps a picture, where pictures are kept. */
  async picture(name) {
    if (told.pictures) {
      await this.page.screenshot({ path: join(told.pictures, `${name}.png`) });
    }
  }

  async close() {
    await this.context.close();
  }
}

/** Plays something in a window; a failure ends the process with its stack and a picture. */
export async function play(folder, story) {
  const window = await Window.open(folder);
  try {
    await story(window);
    await window.close();
    process.exit(0);
  } catch (failure) {
    const seen = await window.page.locator("body").innerText({ timeout: 5000 }).catch(String);
    console.error(failure, `\nIn sight:\n${seen.replace(/\s*\n\s*/g, "\n")}`);
    await window.picture("failure").catch(() => undefined);
    process.exit(1);
  }
}
