/** Has the editor's own extension host run `inhost/index.js` beside the extension; its code is that of this process. */

import { Window, told } from "./window.mjs";

const remote = (path) => `vscode-remote://${new URL(told.address).host}${path}`;
const payload = [
  ["extensionDevelopmentPath", remote(told.extension)],
  ["extensionTestsPath", remote(told.tests)],
];
const window = await Window.open(told.folder, payload);
const { page } = window;
let done;
const code = new Promise((resolve) => (done = resolve));
await page.exposeFunction("codeAutomationLog", () => undefined);
await page.exposeFunction("codeAutomationExit", (result) => done(result));
// A built editor runs tests only where it is told that somebody drives it.
await page.addInitScript(() => {
  const allow = () => {
    const settings = document.getElementById("vscode-workbench-web-configuration");
    if (settings === null) {
      return false;
    }
    const read = JSON.parse(settings.getAttribute("data-settings"));
    read.developmentOptions = { ...read.developmentOptions, enableSmokeTestDriver: true };
    settings.setAttribute("data-settings", JSON.stringify(read));
    return true;
  };
  new MutationObserver((_, observer) => allow() && observer.disconnect()).observe(document, { childList: true, subtree: true });
});
await window.load();
const patience = new Promise((resolve) => setTimeout(() => resolve("no answer in time"), 180_000).unref());
const result = await Promise.race([code, patience]);
console.log("ended with", result);
await window.close();
process.exit(result === 0 ? 0 : 1);
