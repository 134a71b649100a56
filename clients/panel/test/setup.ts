/** What browsers have and jsdom has not. */
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

window.matchMedia = (media) => {
  const nothing = { addListener: () => undefined, removeListener: () => undefined };
  return Object.assign(new EventTarget(), { media, matches: false, ...nothing }) as unknown as MediaQueryList;
};
window.ResizeObserver = class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};
HTMLCanvasElement.prototype.getContext = () => null;
afterEach(cleanup);
