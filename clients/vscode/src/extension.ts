/** What the editor calls: commands from the beginning, a server, and what is shown of its runs. All logic is in the server. */

import { commands, ExtensionContext, l10n, QuickPickItem, Uri, window, workspace } from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import type { WayInfo } from "../../protocol";
import { Panel } from "./panel";
import { Remarks } from "./remarks";
import { Runs } from "./runs";
import { Server } from "./server";
import { Status } from "./status";
import { Commands } from "./terminal";
import { Node, Tree } from "./tree";

let server: Server | undefined;

/** Called by the editor when a window has opened. */
export async function activate(context: ExtensionContext): Promise<void> {
  const own = (server = new Server(context));
  const runs = new Runs();
  const tree = new Tree(runs);
  const view = window.createTreeView("wainwright.runs", { treeDataProvider: tree });
  const printed = new Commands();
  const panel = new Panel(context);
  const status = new Status(runs);
  const waiting = runs.changed(() => {
    const gates = runs.all.reduce((sum, { gates }) => sum + gates.length, 0);
    view.badge = gates > 0 ? { value: gates, tooltip: l10n.t("Waits for you") } : undefined;
  });
  const titles = titled(context);
  const asked = (command: string, argument?: object): Promise<unknown> => {
    const done = own.offer(send(own, command, argument));
    void status.during(titles.get(command) ?? command, done.then(() => runs.ask()));
    return done;
  };
  context.subscriptions.push(
    ...[own, runs, status, new Remarks(runs), tree, view, printed, panel, waiting],
    own.changed((client) => [runs, panel].forEach((shows) => shows.follow(client))),
    own.heard((heard) => [runs, printed, panel].forEach((shows) => shows.hear(heard))),
    ...offered(titles).map((command) => commands.registerCommand(command, (argument?: object) => asked(command, argument))),
    commands.registerCommand("wainwright.panel", (given?: Node | { run: string }) => panel.show(runOf(given))),
    commands.registerCommand("wainwright.terminal", () => printed.show()),
    commands.registerCommand("wainwright.log", () => own.log.show()),
    commands.registerCommand("wainwright.mention", () => mention()),
    commands.registerCommand("wainwright.restart", () => own.restart()),
    commands.registerCommand("wainwright.node.ways", (node?: Node) => node && own.offer(choose(runs, node, asked))),
    ...Object.entries(OF_A_NODE).map(([name, of]) =>
      commands.registerCommand(`wainwright.node.${name}`, (node: Node | undefined = onlyGate(runs)) => {
        const way = node && of(node);
        return way && asked(way.command, way.argument);
      }),
    ),
    window.registerWebviewPanelSerializer("wainwright.panel", {
      deserializeWebviewPanel: async (kept) => panel.open(kept),
    }),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("wainwright")) {
        void own.restart();
      }
    }),
    workspace.onDidChangeWorkspaceFolders(() => void begin(own)),
    workspace.onDidGrantWorkspaceTrust(() => void begin(own)),
  );
  await begin(own);
}

/** The titles of all commands. */
function titled(context: ExtensionContext): Map<string, string> {
  const all: { command: string; title: string }[] = context.extension.packageJSON.contributes.commands;
  return new Map(all.map(({ command, title }) => [command, title]));
}

/** The server's commands: the palette shows them, and the server would register them too late. */
function offered(titles: Map<string, string>): string[] {
  const here = /^wainwright\.(panel|terminal|log|mention|restart|node\..*)$/;
  return [...titles.keys()].filter((command) => !here.test(command));
}

/** Has the server run where there is something to work in, and that is trusted; without a word where there is not. */
async function begin(own: Server): Promise<void> {
  if (workspace.workspaceFolders?.length && workspace.isTrusted) {
    await own.offer(own.started());
  }
}

/** Called by the editor when it closes. */
export async function deactivate(): Promise<void> {
  await server?.stop();
}

interface Argument {
  decision?: string;
  reason?: string;
  uri?: string;
  line?: number;
}

/** Sends a command. A refusal is a sentence for a person: it is shown once, and not as a failure of the editor. */
async function send(to: Server, command: string, given: Argument | undefined): Promise<unknown> {
  const client = await to.started();
  let argument = given;
  if (command === "wainwright.hunk" && argument?.decision === "reject" && !argument.reason) {
    const reason = await window.showInputBox({ prompt: l10n.t("What should be different?"), ignoreFocusOut: true });
    if (reason === undefined) {
      return undefined;
    }
    argument = { ...argument, reason };
  }
  const editor = window.activeTextEditor;
  if (command === "wainwright.why" && !argument?.uri && editor) {
    argument = { ...argument, uri: editor.document.uri.toString(), line: editor.selection.active.line };
  }
  return client.sendRequest(ExecuteCommandRequest.type, { command, arguments: argument ? [argument] : [] });
}

/** Names where the person is at the end of the goal: the file, and the lines that are selected. */
async function mention(): Promise<void> {
  const editor = window.activeTextEditor;
  const folder = editor && workspace.getWorkspaceFolder(editor.document.uri);
  if (!editor || !folder) {
    return;
  }
  const { start, end, isEmpty } = editor.selection;
  const last = end.character === 0 && !isEmpty ? end.line : end.line + 1;
  const lines = isEmpty ? "" : `:${start.line + 1}${last > start.line + 1 ? `-${last}` : ""}`;
  const place = `\`${workspace.asRelativePath(editor.document.uri, false)}${lines}\``;
  const goal = Uri.joinPath(folder.uri, ".wainwright", "goal.md");
  const there = await workspace.fs.stat(goal).then(Boolean, () => false);
  if (!there) {
    await workspace.fs.writeFile(goal, Buffer.from("# Goal\n\n"));
  }
  const shown = await window.showTextDocument(goal);
  const at = shown.document.lineAt(shown.document.lineCount - 1).range.end;
  const gap = at.character > 0 ? " " : "";
  await shown.edit((change) => change.insert(at, `${gap}${place} `));
}

/** What the buttons beside a node of the tree send. */
const OF_A_NODE: Record<string, (node: Node) => Pick<WayInfo, "command" | "argument"> | undefined> = {
  approve: (node) => ofGate(node, "wainwright.approve"),
  reject: (node) => ofGate(node, "wainwright.reject"),
  answer: (node) => ofGate(node, "wainwright.answer"),
  difference: (node) =>
    node.kind === "task" ? { command: "wainwright.difference", argument: { run: node.run.run, task: node.task.id } } : undefined,
};

function ofGate(node: Node, command: string): Pick<WayInfo, "command" | "argument"> | undefined {
  return node.kind === "gate" ? { command, argument: { run: node.run.run, gate: node.gate.id, seen: node.gate.seen } } : undefined;
}

/** What is meant by a button of a row that was drawn anew while it was pressed: the editor no longer knows which it was. */
function onlyGate(runs: Runs): Node | undefined {
  const [gate, ...more] = runs.all.flatMap((run) => run.gates.map((gate): Node => ({ kind: "gate", run, gate })));
  return more.length > 0 ? undefined : gate;
}

function runOf(given: Node | { run: string } | undefined): string | undefined {
  const run = given && "run" in given ? given.run : undefined;
  return typeof run === "object" ? run.run : run;
}

/** Lets the person choose from what the server says can be done about a run, or about a task. */
async function choose(runs: Runs, node: Node, asked: (command: string, argument: object) => Promise<unknown>): Promise<void> {
  const run = runOf(node);
  if (run === undefined) {
    return;
  }
  const ways = node.kind === "task" ? node.task.ways : (await runs.page(run)).ways;
  const items = ways.map((way): QuickPickItem & { way: WayInfo } => ({ label: way.short, way }));
  const chosen = await window.showQuickPick(items, { title: node.kind === "task" ? node.task.title : run });
  if (chosen !== undefined) {
    await asked(chosen.way.command, chosen.way.argument);
  }
}
