/** Runs in the extension host, beside the extension: what its programming interface shows of a run. */

const assert = require("node:assert/strict");
const { writeFileSync } = require("node:fs");
const vscode = require("vscode");

const PATIENCE_MS = 90_000;

async function until(what, found) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const one = await found();
    if (one) {
      return one;
    }
    assert.ok(Date.now() < end, `never: ${what}`);
    await new Promise((soon) => setTimeout(soon, 50));
  }
}

const send = (name, argument) => vscode.commands.executeCommand(`wainwright.${name}`, argument);

/** The editor says no more of a failure than that there was one. */
exports.run = async () => {
  try {
    await story();
  } catch (failure) {
    writeFileSync(process.env.WAINWRIGHT_FAILURE, failure.stack);
    throw failure;
  }
};

async function story() {
  const extension = vscode.extensions.getExtension("wainwright.wainwright");
  await extension.activate();

  // Commands are there before a server is.
  const known = new Set(await vscode.commands.getCommands(true));
  const offered = extension.packageJSON.contributes.commands.map(({ command }) => command);
  assert.deepEqual(offered.filter((command) => !known.has(command)), []);

  const [folder] = vscode.workspace.workspaceFolders;
  const file = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, "calc", "__init__.py"));
  const typed = new vscode.WorkspaceEdit();
  typed.insert(file.uri, new vscode.Position(2, 8), "  # only in the buffer");
  assert.ok(await vscode.workspace.applyEdit(typed));

  // A goal becomes a plan, with lenses on its page.
  const { run } = await send("start", { goal: process.env.WAINWRIGHT_GOAL });
  await until("the plan is asked about", async () => (await send("page", { run })).run.gates.length === 1);
  const page = await send("page", { run });
  const plan = vscode.Uri.parse(page.documents.find(({ name }) => name === "plan.md").uri);
  await until("the plan is on the disk", () => vscode.workspace.openTextDocument(plan).then(Boolean, () => false));
  const lenses = await until("lenses", async () => {
    const found = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", plan);
    return found?.length > 0 && found;
  });
  assert.ok(lenses.some(({ command }) => command.title === "Approve the plan"));
  const approve = lenses.find(({ command }) => command.title === "Approve the plan").command;
  await vscode.commands.executeCommand(approve.command, ...approve.arguments);

  // The change is shown in the editor's own view of differences, and taken over into the buffer.
  await until("the change is asked about", async () => (await send("page", { run })).run.gates.some(({ kind }) => kind === "apply"));
  const change = await send("change", { run });
  assert.deepEqual(change.hunks.map(({ path }) => path).sort(), ["calc/__init__.py", "tests/test_sub.py"]);
  await send("show", { run, document: "change.diff" });
  await until("a view of differences", () => vscode.window.tabGroups.all.some((group) => group.tabs.some((tab) => tab.label.includes(run))));
  const before = await vscode.workspace.openTextDocument(vscode.Uri.parse(change.files[0].after));
  assert.match(before.getText(), /def sub/);
  await send("approve", { run });
  await until("the edit", () => file.getText().includes("def sub"));
  assert.ok(file.isDirty, "to save is the person's");
  assert.match(file.getText(), /only in the buffer/);

  // What the reviewer remarked is a problem; the end can be taken back.
  await until("the service is asked about", async () => (await send("page", { run })).run.gates.some(({ kind }) => kind === "deploy"));
  await send("reject", { run, reason: "Not today." });
  await until("the end", async () => (await send("page", { run })).run.ended);
  const remarks = await until("a problem", () => {
    const found = vscode.languages.getDiagnostics(file.uri).filter(({ source }) => source === "wainwright");
    return found.length > 0 && found;
  });
  assert.match(remarks[0].message, /inexact/);
  await send("revert", { run });
  await until("it is taken back", () => !file.getText().includes("def sub"));
  assert.match(file.getText(), /only in the buffer/);
}
