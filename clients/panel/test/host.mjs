// A host as an editor's webview is one: the page, its policy, and a channel. Every file comes from dist, none from a network.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ORIGIN = "https://panel.test";
const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const NONCE = "bm9uY2U";
// As the README of the folder has it.
const POLICY = [
  "default-src 'none'",
  `script-src ${ORIGIN} 'nonce-${NONCE}'`,
  `style-src ${ORIGIN} 'nonce-${NONCE}'`,
  "style-src-attr 'unsafe-inline'",
  `font-src ${ORIGIN}`,
].join("; ");
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Wainwright</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="panel.css"></head>
<body><div id="root"></div><script type="module" nonce="${NONCE}" src="panel.js"></script></body></html>`;
const KINDS = { js: "text/javascript", css: "text/css", ttf: "font/ttf" };

/** Opens the panel; `answer` gives the result of what it asks, or throws what the server says against it. */
export async function open(program, answer) {
  const browser = await chromium.launch({
    executablePath: program,
    // Where root runs it, as in a container, Chromium has no sandbox of its own.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"],
  });
  const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
  const troubles = [];
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && troubles.push(said.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("requestfailed", (request) => troubles.push(`${request.url()} failed`));
  await page.route("**", (route) => {
    const { origin, pathname } = new URL(route.request().url());
    // The browser's own question, which a webview does not ask.
    if (pathname === "/favicon.ico") return route.fulfill({ body: "" });
    if (origin !== ORIGIN) {
      troubles.push(`${route.request().url()} was asked for`);
      return route.abort();
    }
    const headers = { "content-security-policy": POLICY };
    if (pathname === "/") return route.fulfill({ contentType: "text/html", headers, body: PAGE });
    const contentType = KINDS[pathname.split(".").at(-1)];
    return route.fulfill({ contentType, headers, body: readFileSync(DIST + pathname) });
  });
  const tell = (message) => page.evaluate((heard) => window.postMessage(heard), message);
  await page.exposeFunction("asksHost", async (message) => {
    const said = await answer(message).then((result) => ({ result }), (why) => ({ error: { message: why.message } }));
    await tell({ id: message.id, ...said });
  });
  await page.addInitScript(() => {
    let kept;
    window.acquireVsCodeApi = () => ({
      postMessage: (message) => void window.asksHost(message),
      getState: () => kept,
      setState: (state) => (kept = state),
    });
  });
  await page.goto(`${ORIGIN}/`);
  return { page, tell, troubles, close: () => browser.close() };
}
