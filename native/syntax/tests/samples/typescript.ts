import type { Store } from "../store";
import fs = require("fs");

export interface Reader<T> extends Closer, io.Source {
  read(size: number): T;
  name: string;
}

export type Id = string | number;

/** Colours. */
export const enum Colour { Red, Green }

@injectable()
export abstract class Repo<T extends Entity> extends Base<T> implements Reader<T> {
  private cache: Map<Id, T> = new Map();
  handler = (event: Event): void => this.onEvent(event);

  constructor(private readonly store: Store) { super(); }

  abstract load(id: Id): Promise<T>;

  @memo
  get(id: Id): T { return this.cache.get(id) ?? this.load(id); }
}

export namespace Tools {
  export function trim(text: string): string { return text!.trim(); }
}

declare module "plugin" {
  export function start(): void;
}

export function pick(a: string): string;
export function pick(a: any): any { return a as Picked; }

export const later = async <T,>(value: T): Promise<T> => value;
