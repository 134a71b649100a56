/** The runs as a tree: of each what is asked, its stages and tasks, its documents. */

import { Disposable, EventEmitter, l10n, ThemeColor, ThemeIcon, TreeDataProvider, TreeItem, TreeItemCollapsibleState, Uri } from "vscode";
import type { DocumentInfo, GateInfo, PageInfo, RunInfo, StageInfo, TaskInfo } from "../../protocol";
import type { Runs } from "./runs";

export type Node =
  | { kind: "run"; run: RunInfo }
  | { kind: "gate"; run: RunInfo; gate: GateInfo }
  | { kind: "stage"; run: RunInfo; stage: StageInfo }
  | { kind: "task"; run: RunInfo; task: TaskInfo }
  | { kind: "documents"; run: RunInfo; documents: DocumentInfo[] }
  | { kind: "document"; document: DocumentInfo };

const MARKS: Record<TaskInfo["mark"], ThemeIcon> = {
  done: new ThemeIcon("pass-filled", new ThemeColor("testing.iconPassed")),
  now: new ThemeIcon("sync~spin"),
  later: new ThemeIcon("circle-outline"),
  skipped: new ThemeIcon("circle-slash"),
  wrong: new ThemeIcon("error", new ThemeColor("testing.iconFailed")),
};
const BUILD = "BUILD";

export class Tree implements TreeDataProvider<Node>, Disposable {
  private readonly listeners = new EventEmitter<void>();
  private readonly subscription: Disposable;
  readonly onDidChangeTreeData = this.listeners.event;

  constructor(private readonly runs: Runs) {
    this.subscription = runs.changed(() => this.listeners.fire());
  }

  dispose(): void {
    this.subscription.dispose();
    this.listeners.dispose();
  }

  async getChildren(node?: Node): Promise<Node[]> {
    switch (node?.kind) {
      case undefined:
        return this.runs.all.map((run) => ({ kind: "run", run }));
      case "run":
        return below(node.run, await this.runs.page(node.run.run));
      case "stage":
        return (await this.runs.page(node.run.run)).tasks.map((task) => ({ kind: "task", run: node.run, task }));
      case "documents":
        return node.documents.map((document) => ({ kind: "document", document }));
      default:
        return [];
    }
  }

  getTreeItem(node: Node): TreeItem {
    switch (node.kind) {
      case "run":
        return ofRun(node.run, node.run.run === this.runs.first?.run);
      case "gate":
        return ofGate(node.run, node.gate);
      case "stage":
        return ofStage(node.run, node.stage);
      case "task":
        return ofTask(node.run, node.task);
      case "documents":
        return item(l10n.t("Documents"), { id: `${node.run.run}/documents`, icon: new ThemeIcon("files"), state: TreeItemCollapsibleState.Collapsed });
      case "document":
        return ofDocument(node.document);
    }
  }
}

function below(run: RunInfo, page: PageInfo): Node[] {
  return [
    ...run.gates.map((gate): Node => ({ kind: "gate", run, gate })),
    ...page.stages.map((stage): Node => ({ kind: "stage", run, stage })),
    ...(page.documents.length > 0 ? [{ kind: "documents", run, documents: page.documents } satisfies Node] : []),
  ];
}

interface About {
  id: string;
  icon: ThemeIcon;
  description?: string;
  tooltip?: string;
  context?: string;
  state?: TreeItemCollapsibleState;
}

function item(label: string, { id, icon, description, tooltip, context, state }: About): TreeItem {
  const made = new TreeItem(label, state ?? TreeItemCollapsibleState.None);
  return Object.assign(made, { id, iconPath: icon, description, tooltip, contextValue: context });
}

function ofRun(run: RunInfo, first: boolean): TreeItem {
  const icon = run.gates.length > 0 ? new ThemeIcon("bell-dot", new ThemeColor("list.warningForeground")) : MARKS[markOf(run)];
  const state = first ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
  const made = item(run.title, { id: run.run, icon, description: run.status, tooltip: `${run.goal}\n\n${run.status}`, context: "run", state });
  made.command = { command: "wainwright.panel", title: l10n.t("Show"), arguments: [{ run: run.run }] };
  return made;
}

function markOf(run: RunInfo): TaskInfo["mark"] {
  if (run.atWork !== "") {
    return "now";
  }
  return run.stage === "DONE" ? "done" : run.stage === "FAILED" ? "wrong" : run.ended ? "skipped" : "later";
}

function ofGate(run: RunInfo, gate: GateInfo): TreeItem {
  const icon = new ThemeIcon("question", new ThemeColor("list.warningForeground"));
  const context = gate.answer ? "gate answered" : "gate";
  const made = item(gate.question, { id: `${run.run}/${gate.id}`, icon, tooltip: `${gate.question}\n\n${gate.detail}`, context });
  made.accessibilityInformation = { label: `${gate.question} ${gate.detail}` };
  made.command = { command: "wainwright.show", title: l10n.t("Review"), arguments: [{ run: run.run, document: gate.read }] };
  return made;
}

function ofStage(run: RunInfo, { stage, mark, began, why }: StageInfo): TreeItem {
  const at = began === null ? "" : new Date(began * 1000).toLocaleTimeString();
  const state = stage === BUILD && mark !== "skipped" ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None;
  return item(stage, { id: `${run.run}/${stage}`, icon: MARKS[mark], description: why || at, tooltip: why, state });
}

function ofTask(run: RunInfo, task: TaskInfo): TreeItem {
  const again = task.attempt > 0 ? l10n.t(", attempt {0}", task.attempt + 1) : "";
  return item(task.title, {
    id: `${run.run}/task/${task.id}`,
    icon: MARKS[task.mark],
    description: `${task.id}: ${task.status}${again}`,
    tooltip: task.summary || task.writes.join("\n"),
    context: "task",
  });
}

function ofDocument({ name, uri }: DocumentInfo): TreeItem {
  const made = item(name, { id: uri, icon: ThemeIcon.File });
  made.resourceUri = Uri.parse(uri);
  made.command = { command: "vscode.open", title: l10n.t("Open"), arguments: [Uri.parse(uri)] };
  return made;
}
