/** What the panel and its host say to each other: JSON-RPC without the version field, over whatever carries objects. */
import type { Commands, EditNotice, Notice, OutputParams } from "../../protocol";

/** What carries messages: a webview's `postMessage`, or a socket. */
export interface Transport {
  send(message: Asked): void;
  listen(heard: (message: Heard) => void): void;
  /** What the person last looked at, over a reload or a time in the background. */
  kept(): Kept;
  keep(state: Kept): void;
}

export interface Kept {
  run?: string;
  tab?: string;
}

export type Asked =
  | { id: number; method: "workspace/executeCommand"; params: { command: string; arguments: [object] } }
  | { id: number; method: "workspace/textDocumentContent"; params: { uri: string } }
  | { id: number; method: "panel/open"; params: { uri: string; line?: number } };

export type Told =
  | { method: "wainwright/event"; params: Notice | EditNotice }
  | { method: "wainwright/output"; params: OutputParams }
  | { method: "panel/show"; params: { run: string } }
  | { method: "panel/lost" }
  | { method: "panel/ready" };

export type Heard = { id: number; result: unknown } | { id: number; error: { message: string } } | Told;

/** The server refused, or is gone; the message is for the person. */
export class Refused extends Error {}

interface Waiting {
  resolve(result: unknown): void;
  reject(why: Refused): void;
}

export class Channel {
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  constructor(
    readonly transport: Transport,
    told: (message: Told) => void,
  ) {
    transport.listen((message) => {
      if ("id" in message) this.answered(message);
      else {
        if (message.method === "panel/lost") this.giveUp();
        told(message);
      }
    });
  }

  command<C extends keyof Commands>(command: C, argument: Commands[C]["arguments"]): Promise<Commands[C]["result"]> {
    return this.offered(command, argument) as Promise<Commands[C]["result"]>;
  }

  /** A command that the server itself offered: what it takes is the server's. */
  offered(command: string, argument: object): Promise<unknown> {
    return this.ask((id) => ({ id, method: "workspace/executeCommand", params: { command, arguments: [argument] } }));
  }

  async text(uri: string): Promise<string> {
    const found = await this.ask((id) => ({ id, method: "workspace/textDocumentContent", params: { uri } }));
    return (found as { text: string }).text;
  }

  /** Has the editor open a document; `line` from 0. */
  async open(uri: string, line?: number): Promise<void> {
    const params = line === undefined ? { uri } : { uri, line };
    await this.ask((id) => ({ id, method: "panel/open", params }));
  }

  private ask(message: (id: number) => Asked): Promise<unknown> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.transport.send(message(id));
    });
  }

  private answered(message: { id: number; result: unknown } | { id: number; error: { message: string } }): void {
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ("error" in message) waiting?.reject(new Refused(message.error.message));
    else waiting?.resolve(message.result);
  }

  /** A server that is gone answers nothing any more. */
  private giveUp(): void {
    for (const { reject } of this.waiting.values()) reject(new Refused("The server has gone."));
    this.waiting.clear();
  }
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): Kept | undefined;
  setState(state: Kept): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export function webview(): Transport {
  const host = acquireVsCodeApi();
  return {
    send: (message) => host.postMessage(message),
    listen: (heard) => window.addEventListener("message", (event: MessageEvent<Heard>) => heard(event.data)),
    kept: () => host.getState() ?? {},
    keep: (state) => host.setState(state),
  };
}
