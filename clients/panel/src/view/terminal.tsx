/** What commands print, as they print it. */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Xterm } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import type { Output } from "../live";
import { colours, onTheme } from "../theme";

const ROWS = 12;
const KEPT_ROWS = 2000;

function theme() {
  const { of } = colours();
  return {
    background: of("raised"),
    foreground: of("ink"),
    cursor: of("raised"),
    selectionBackground: of("chosen"),
    red: of("bad"),
    green: of("good"),
    yellow: of("warn"),
    blue: of("now"),
  };
}

export default function Terminal({ output, task, run }: { output: Output; task: string; run: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [printed, setPrinted] = useState(false);
  useEffect(() => {
    if (!place.current) return;
    const terminal = new Xterm({
      rows: ROWS,
      scrollback: KEPT_ROWS,
      convertEol: true,
      disableStdin: true,
      fontSize: 12,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-mono"),
      theme: theme(),
      // What a program prints must be readable on any theme.
      minimumContrastRatio: 4.5,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(place.current);
    // It takes no input, so that Tab leads through it.
    terminal.attachCustomKeyEventHandler((event) => event.key !== "Tab");
    terminal.textarea?.setAttribute("aria-label", "Output");
    const sized = new ResizeObserver(() => {
      const columns = fit.proposeDimensions()?.cols;
      if (columns) terminal.resize(columns, ROWS);
    });
    sized.observe(place.current);
    const ends = [
      output.follow(task, (text) => {
        setPrinted(true);
        terminal.write(text);
      }),
      onTheme(() => (terminal.options.theme = theme())),
      () => sized.disconnect(),
      () => terminal.dispose(),
    ];
    return () => ends.forEach((end) => end());
  }, [output, task, run]);
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-1">
      <h2 className="heading">{task ? `Output of ${task}` : "Output of the whole"}</h2>
      <div className={printed ? "bg-raised p-1" : "h-0 overflow-hidden"} ref={place} />
      {!printed && <p className="text-quiet">Nothing has been printed yet.</p>}
    </section>
  );
}
