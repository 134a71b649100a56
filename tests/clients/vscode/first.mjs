/** How long after a press something is seen: of ours, and of an extension that does nothing but say something. */

import { Window, told, until } from "./window.mjs";

const TIMES = 5;
const window = await Window.open(told.folder);
const { page } = window;

/** Milliseconds from a press on a lens to the first change, in one of these places, that says something. */
async function feels(title, places, says) {
  await page.mouse.move(5, 400);
  const seen = page.evaluate(
    ([places, says]) =>
      new Promise((resolve) => {
        let from;
        const look = () => {
          const told = [...document.querySelectorAll(places)].some((one) => one.innerText.includes(says));
          if (from !== undefined && told) {
            observer.disconnect();
            resolve(performance.now() - from);
          }
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { childList: true, subtree: true, characterData: true });
        document.addEventListener("mouseup", () => (from = performance.now()), { capture: true, once: true });
      }),
    [places, says],
  );
  await window.lens(title).click();
  return seen;
}

const middle = (times) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];

await window.load();
await window.command("Wainwright: Start work on a goal");
await page.locator(".tab.active", { hasText: "goal.md" }).waitFor();
await page.keyboard.press("Control+End");
await page.keyboard.type(told.goal);
await window.lens("Start").waitFor();
await window.lens("Say").waitFor();
const bare = [];
const ours = [];
for (let time = 1; time <= TIMES; time += 1) {
  bare.push(await feels("Say", ".notifications-toasts", `said ${time}`));
  await window.command("Notifications: Clear All Notifications");
  ours.push(await feels("Start", "[id='wainwright.wainwright.wainwright.status']", "Start work on a goal"));
  await until("the run is there", async () => !(await window.status()).includes("Start work on a goal"));
  await window.command("Notifications: Clear All Notifications");
}
console.log(JSON.stringify({ bareMs: middle(bare), oursMs: middle(ours), bare, ours }));
await window.close();
process.exit(0);
