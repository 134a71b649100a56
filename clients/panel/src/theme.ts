/** The colours of the page, for what draws itself and knows no style sheet: Monaco and xterm.js. */

export interface Colours {
  dark: boolean;
  /** As `#rrggbb` or `#rrggbbaa`. */
  of(name: string): string;
}

export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // A canvas reads every way in which a theme may write a colour, and says it in one.
  const of = (name: string): string => {
    if (!pen) return "#000000";
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = style.getPropertyValue(`--color-${name}`);
    pen.fillRect(0, 0, 1, 1);
    return `#${[...pen.getImageData(0, 0, 1, 1).data].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(of("surface").slice(at, at + 2), 16));
  return { dark: red * 0.299 + green * 0.587 + blue * 0.114 < 128, of };
}

/** Calls when the theme has changed; returns what ends it. */
export function onTheme(changed: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const editor = new MutationObserver(changed);
  system.addEventListener("change", changed);
  editor.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  return () => {
    system.removeEventListener("change", changed);
    editor.disconnect();
  };
}
