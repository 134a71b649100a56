/** The server of this window: how it is found, and what is said where there is none. */

import { statSync } from "node:fs";
import { delimiter, join, sep } from "node:path";
import { commands, Disposable, env, EventEmitter, ExtensionContext, l10n, UIKind, Uri, window, workspace } from "vscode";
import { LanguageClient, RevealOutputChannelOn, ServerCapabilities, State } from "vscode-languageclient/node";
import type { ChangesParams, InputParams, InputResult, Notice, OutputParams } from "../../protocol";
import { bundled, installed, install } from "./installation";

const SETTING = "wainwright.server.command";
const OPEN_SETTING = l10n.t("Open the setting");
const INSTALL = l10n.t("Install it");
const SHOW_LOG = l10n.t("Show the log");
const OPEN_FOLDER = l10n.t("Open a folder");
const TRUST = l10n.t("Manage trust");

/** Why there is no server, in a sentence, and what a person can press. */
class Missing extends Error {
  constructor(
    message: string,
    readonly ways: string[],
  ) {
    super(message);
  }
}

/** What the server tells of runs while they go on. */
export type Heard = { method: "wainwright/event"; params: Notice } | { method: "wainwright/output"; params: OutputParams };

export class Server implements Disposable {
  private client: LanguageClient | undefined;
  readonly log = window.createOutputChannel("Wainwright", { log: true });
  private readonly listeners = new EventEmitter<LanguageClient | undefined>();
  private readonly hearers = new EventEmitter<Heard>();

  /** Told of each server that runs, also of one that its client has started again, and of its end. */
  readonly changed = this.listeners.event;
  readonly heard = this.hearers.event;

  constructor(private readonly context: ExtensionContext) {}

  /** The server, once it runs. Throws a sentence that says what to do where there can be none. */
  async started(): Promise<LanguageClient> {
    const client = (this.client ??= this.made());
    try {
      await client.start(); // nothing where it runs; one that has ended is started again
    } catch (failure) {
      this.log.error(failure instanceof Error ? failure : String(failure));
      if (this.client === client) {
        this.client = undefined;
      }
      throw new Missing(l10n.t("Wainwright was started, and is no server, or one that cannot work here."), [SHOW_LOG, OPEN_SETTING]);
    }
    return client;
  }

  /** Ends the server and starts another one, as the settings are by now. */
  async restart(): Promise<void> {
    await this.stop();
    await this.offer(this.started());
  }

  /** Waits for what needs a server; says what to do where there is none, and gives nothing then. */
  async offer<T>(wanted: Promise<T>): Promise<T | undefined> {
    try {
      return await wanted;
    } catch (failure) {
      const said = failure instanceof Error ? failure.message : String(failure);
      this.log.warn(said);
      void this.tell(said, failure instanceof Missing ? failure.ways : []);
      return undefined;
    }
  }

  /** Ends it; the editor waits for this when it closes. */
  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.state === State.Starting) {
      await client.start().catch(() => undefined); // what is about to start cannot be stopped
    }
    await client?.dispose();
  }

  dispose(): void {
    this.listeners.dispose();
    this.hearers.dispose();
    this.log.dispose();
  }

  private made(): LanguageClient {
    if (!workspace.workspaceFolders?.length) {
      throw new Missing(l10n.t("Wainwright works in the folder of a project, and none is open."), [OPEN_FOLDER]);
    }
    if (!workspace.isTrusted) {
      throw new Missing(l10n.t("Wainwright runs the tests of the workspace, and sends its files to models: it waits until you trust it."), [TRUST]);
    }
    const [command, ...words] = found(this.context);
    const args = [...words, ...settings(this.context)];
    this.log.info(`starts ${[command, ...args].join(" ")}`);
    const client = new LanguageClient(
      "wainwright",
      "Wainwright",
      { command, args },
      {
        documentSelector: [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "wainwright" }],
        outputChannel: this.log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        initializationFailedHandler: () => false,
      },
    );
    equip(client);
    // A client has one handler a method.
    client.onNotification("wainwright/event", (params: Notice) => this.hearers.fire({ method: "wainwright/event", params }));
    client.onNotification("wainwright/output", (params: OutputParams) => this.hearers.fire({ method: "wainwright/output", params }));
    client.onDidChangeState(({ newState }) => this.listeners.fire(newState === State.Running ? client : undefined));
    return client;
  }

  private async tell(said: string, ways: string[]): Promise<void> {
    switch (await window.showWarningMessage(said, ...ways)) {
      case OPEN_SETTING:
        await commands.executeCommand(`workbench.action.open${elsewhere() ? "Remote" : ""}Settings`, { query: SETTING });
        break;
      case OPEN_FOLDER:
        await commands.executeCommand("workbench.action.files.openFolder");
        break;
      case TRUST:
        await commands.executeCommand("workbench.trust.manage");
        break;
      case INSTALL:
        await install(this.context, this.log);
        await this.restart();
        break;
      case SHOW_LOG:
        this.log.show();
    }
  }
}

/** Whether the server runs on another machine than the window, whose settings then have a page of their own. */
function elsewhere(): boolean {
  return env.remoteName !== undefined || env.uiKind === UIKind.Web;
}

/** How it is started: as the setting says, from the environment of the folder, by its name, or as it was installed here. */
function found(context: ExtensionContext): [string, ...string[]] {
  const said = workspace.getConfiguration().inspect<string[]>(SETTING)?.globalValue;
  if (said?.length) {
    const [program, ...args] = said as [string, ...string[]];
    if (!there(program)) {
      throw new Missing(l10n.t("Wainwright was not started: {0}, which the setting names, is not there.", program), [OPEN_SETTING]);
    }
    return [program, ...args];
  }
  const bin = process.platform === "win32" ? join("Scripts", "wainwright.exe") : join("bin", "wainwright");
  for (const { uri } of workspace.workspaceFolders ?? []) {
    const own = join(uri.fsPath, ".venv", bin);
    if (uri.scheme === "file" && isFile(own)) {
      return [own, "serve"];
    }
  }
  const names = ["wainwright", join(installed(context), bin)];
  const name = names.find(there);
  if (name !== undefined) {
    return [name, "serve"];
  }
  throw new Missing(
    l10n.t("Wainwright was not started: it is neither in .venv of this folder nor on the PATH. Install it, or say where it is."),
    [...(bundled(context) ? [INSTALL] : []), OPEN_SETTING],
  );
}

/** What somebody has set on this machine, as the server is told it; also what is set to the default, for a file may say else. */
function settings(context: ExtensionContext): string[] {
  const [, own]: { properties: object }[] = context.extension.packageJSON.contributes.configuration;
  return Object.keys(own?.properties ?? {}).flatMap((setting) => {
    const { globalValue: value, defaultValue } = workspace.getConfiguration().inspect(setting) ?? {};
    if (value === undefined || (value === null && defaultValue === null)) {
      return [];
    }
    return ["--set", `${setting.slice("wainwright.".length)}=${value === null ? "unlimited" : JSON.stringify(value)}`];
  });
}

/** Whether there is a program of that name or path. */
function there(program: string): boolean {
  if (program.includes(sep) || program.includes("/")) {
    return isFile(program);
  }
  const endings = process.platform === "win32" ? (process.env.PATHEXT ?? ".EXE").split(";") : [""];
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.some((folder) => endings.some((ending) => isFile(join(folder, program + ending))));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Adds what this editor can do beyond the protocol. */
function equip(client: LanguageClient): void {
  client.registerFeature({
    fillClientCapabilities: (capabilities) => {
      const experimental = capabilities.experimental as object | undefined;
      capabilities.experimental = { ...experimental, wainwright: { input: true, changes: true, events: true, output: true } };
    },
    // Its commands are registered from the beginning, so that they can say why there is no server.
    preInitialize: (capabilities: ServerCapabilities) => {
      delete capabilities.executeCommandProvider;
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  });
  client.onRequest("wainwright/input", async ({ prompt, value, secret }: InputParams): Promise<InputResult> => ({
    text: (await window.showInputBox({ prompt, value, password: secret, ignoreFocusOut: true })) ?? null,
  }));
  client.onNotification("wainwright/changes", ({ title, files }: ChangesParams) => {
    const sides = files.map(({ uri, before, after }) => [uri, before, after].map((one) => one && Uri.parse(one)));
    void commands.executeCommand("vscode.changes", title, sides);
  });
}
