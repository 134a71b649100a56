/** A file of the change, before and after, in Monaco's own view of differences. */
import * as monaco from "monaco-editor/editor/editor.api.js";
import { DefaultLinesDiffComputer } from "monaco-editor/editor/common/diff/defaultLinesDiffComputer/defaultLinesDiffComputer.js";
import "monaco-editor/features/codicon/register.js";
import "monaco-editor/features/diffEditor/register.js";
import "monaco-editor/languages/definitions/css/register.js";
import "monaco-editor/languages/definitions/go/register.js";
import "monaco-editor/languages/definitions/html/register.js";
import "monaco-editor/languages/definitions/java/register.js";
import "monaco-editor/languages/definitions/javascript/register.js";
import "monaco-editor/languages/definitions/markdown/register.js";
import "monaco-editor/languages/definitions/python/register.js";
import "monaco-editor/languages/definitions/rust/register.js";
import "monaco-editor/languages/definitions/shell/register.js";
import "monaco-editor/languages/definitions/typescript/register.js";
import "monaco-editor/languages/definitions/yaml/register.js";
import { useEffect, useRef } from "react";
import { colours, onTheme } from "../theme";

/** Longer than this nobody waits for a comparison: it is then a coarse one. */
const COMPARE_MS = 300;

/**
 * Compares in the page. Monaco would do so in a worker; in a webview that is a script from `blob:`, which the host's
 * policy would have to let in, and a change that a person reads is compared in a few milliseconds.
 */
const compares = {
  diffProviderFactoryService: {
    createDiffProvider: () => ({
      onDidChange: () => ({ dispose: () => undefined }),
      computeDiff: async (
        before: monaco.editor.ITextModel,
        after: monaco.editor.ITextModel,
        options: { ignoreTrimWhitespace: boolean },
      ) => {
        const how = { ...options, maxComputationTimeMs: COMPARE_MS, computeMoves: false };
        const found = new DefaultLinesDiffComputer().computeDiff(before.getLinesContent(), after.getLinesContent(), how);
        return {
          identical: !found.changes.length,
          quitEarly: found.hitTimeout,
          changes: found.changes,
          moves: found.moves,
        };
      },
    }),
  },
};

/** Where Monaco's own colours cannot be read well on a line that was added or removed. */
const ON_LIGHT = [
  { token: "comment", foreground: "005c00" },
  { token: "number", foreground: "06593b" },
  { token: "type", foreground: "005c5c" },
];
const ON_DARK = [
  { token: "comment", foreground: "8fc27a" },
  { token: "keyword", foreground: "7cbcf5" },
  { token: "string", foreground: "dba58e" },
];

function dress(): void {
  const { dark, of } = colours();
  monaco.editor.defineTheme("page", {
    base: dark ? "vs-dark" : "vs",
    inherit: true,
    rules: dark ? ON_DARK : ON_LIGHT,
    colors: {
      "editor.background": of("surface"),
      "editor.foreground": of("ink"),
      "editorLineNumber.foreground": of("quiet"),
      "editorLineNumber.activeForeground": of("ink"),
      "diffEditor.unchangedRegionBackground": of("raised"),
      "diffEditor.unchangedRegionForeground": of("ink"),
      "diffEditor.insertedLineBackground": of("added"),
      "diffEditor.insertedTextBackground": of("added"),
      "diffEditor.removedLineBackground": of("removed"),
      "diffEditor.removedTextBackground": of("removed"),
      focusBorder: of("focus"),
    },
  });
  monaco.editor.setTheme("page");
}

export interface Sides {
  path: string;
  before: string;
  after: string;
}

/** `line`: from 1, in the text after the change. */
export default function Diff({ sides, line }: { sides: Sides; line: number }) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<monaco.editor.IStandaloneDiffEditor>(null);
  useEffect(() => {
    if (!place.current) return;
    // The first thing that is made decides what Monaco compares with.
    const made = monaco.editor.createDiffEditor(place.current, OPTIONS, compares);
    editor.current = made;
    dress();
    const forget = onTheme(dress);
    return () => {
      forget();
      made.dispose();
      editor.current = null;
    };
  }, []);
  useEffect(() => {
    const uri = (side: string) => monaco.Uri.from({ scheme: side, path: `/${sides.path}` });
    const original = monaco.editor.createModel(sides.before, undefined, uri("before"));
    const modified = monaco.editor.createModel(sides.after, undefined, uri("after"));
    editor.current?.setModel({ original, modified });
    return () => {
      editor.current?.setModel(null);
      original.dispose();
      modified.dispose();
    };
  }, [sides]);
  useEffect(() => {
    editor.current?.getModifiedEditor().revealLineInCenterIfOutsideViewport(line);
  }, [sides, line]);
  return <div ref={place} className="h-full" role="group" aria-label={`Difference of ${sides.path}`} />;
}

const OPTIONS: monaco.editor.IDiffEditorConstructionOptions = {
  automaticLayout: true,
  readOnly: true,
  originalEditable: false,
  // Tab leads through it, as through the rest of the page.
  tabFocusMode: true,
  // Either side says to a screen reader how to go from change to change.
  accessibilityVerbose: true,
  renderSideBySideInlineBreakpoint: 640,
  useInlineViewWhenSpaceIsLimited: true,
  hideUnchangedRegions: { enabled: true, contextLineCount: 3, minimumLineCount: 3 },
  renderOverviewRuler: false,
  renderMarginRevertIcon: false,
  renderGutterMenu: false,
  minimap: { enabled: false },
  scrollBeyondLastLine: false,
  lineNumbersMinChars: 3,
  folding: false,
  contextmenu: false,
  links: false,
  occurrencesHighlight: "off",
  fontSize: 12,
  wordWrap: "on",
};
