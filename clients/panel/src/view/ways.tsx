/** What the person can do: the server's offers as buttons, with a field where a command takes words. */
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import type { GateInfo, PageInfo } from "../../../protocol";
import type { Panel } from "../panel";

export interface Offer {
  title: string;
  command: string;
  argument: object;
  first?: boolean;
}

/** The field of a command's argument that words go into, where it takes some. */
const TAKES: Record<string, string> = {
  "wainwright.answer": "words",
  "wainwright.note": "words",
  "wainwright.reject": "reason",
  "wainwright.hunk": "reason",
};
/** Of `wainwright.hunk`, what needs no words. */
const PLAIN = { decision: "accept" };

function fieldOf({ command, argument }: Offer): string | undefined {
  return "decision" in argument && argument.decision === PLAIN.decision ? undefined : TAKES[command];
}

/** Buttons in a row; one that takes words opens a field below them. */
export function Ways({ panel, offers, children }: { panel: Panel; offers: Offer[]; children?: ReactNode }) {
  const [saying, setSaying] = useState("");
  const [busy, setBusy] = useState(false);
  const row = useRef<HTMLDivElement>(null);
  const open = offers.find((offer) => fieldOf(offer) && keyOf(offer) === saying);

  const act = async (offer: Offer, words?: string): Promise<void> => {
    const field = words ? fieldOf(offer) : undefined;
    setBusy(true);
    await panel.act(offer.command, field ? { ...offer.argument, [field]: words } : offer.argument);
    setBusy(false);
    setSaying("");
  };
  const close = (): void => {
    row.current?.querySelector<HTMLElement>("[aria-expanded=true]")?.focus();
    setSaying("");
  };
  return (
    <div className="grid gap-2">
      <div ref={row} className="flex flex-wrap items-center gap-1.5">
        {offers.map((offer) => (
          <button
            key={keyOf(offer)}
            type="button"
            className={offer.first ? "pressable pressable-first" : "pressable"}
            disabled={busy}
            aria-expanded={fieldOf(offer) ? offer === open : undefined}
            onClick={() => (fieldOf(offer) ? setSaying(offer === open ? "" : keyOf(offer)) : void act(offer))}
          >
            {offer.title}
            {fieldOf(offer) ? "…" : ""}
          </button>
        ))}
        {children}
      </div>
      {open && <Words title={open.title} busy={busy} send={(words) => void act(open, words)} close={close} />}
    </div>
  );
}

function keyOf(offer: Offer): string {
  return `${offer.command} ${offer.title}`;
}

interface WordsProps {
  title: string;
  busy: boolean;
  send(words: string): void;
  close(): void;
}

function Words({ title, busy, send, close }: WordsProps) {
  const [words, setWords] = useState("");
  const label = useId();
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(words.trim());
  };
  return (
    <form
      className="grid max-w-xl gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        send(words.trim());
      }}
    >
      <label id={label} className="text-quiet">
        {title}: your words
        <textarea
          autoFocus
          rows={3}
          value={words}
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={keys}
          className="mt-1 block w-full rounded-xs border border-field-line bg-field p-1.5 text-ink"
        />
      </label>
      <div className="flex gap-1.5">
        <button type="submit" disabled={busy} className="pressable pressable-first">
          {title}
        </button>
        <button type="button" className="pressable" onClick={close}>
          Close
        </button>
      </div>
    </form>
  );
}

/** What a run waits for a person to decide. */
export function Gates({ panel, page }: { panel: Panel; page: PageInfo }) {
  const { gates, run } = page.run;
  return gates.map((gate) => (
    <section
      key={gate.id}
      aria-label="Decide"
      className="grid gap-2 rounded-xs border border-line border-l-3 border-l-warn bg-raised px-3 py-2.5"
    >
      <h2>{gate.question}</h2>
      {gate.detail && <p className="max-h-64 overflow-y-auto whitespace-pre-wrap wrap-anywhere">{gate.detail}</p>}
      <Ways panel={panel} offers={atGate(run, gate)} />
    </section>
  ));
}

function atGate(run: string, gate: GateInfo): Offer[] {
  const argument = { run, gate: gate.id, seen: gate.seen };
  return [
    { title: gate.yes, command: "wainwright.approve", argument, first: true },
    { title: gate.answer, command: "wainwright.answer", argument },
    { title: gate.no, command: "wainwright.reject", argument },
    { title: gate.read && `Read ${gate.read}`, command: "wainwright.show", argument: { run, document: gate.read } },
  ].filter((offer) => offer.title);
}

/** What can be done about a run beside its gates, which have buttons of their own. */
export function RunWays({ panel, page }: { panel: Panel; page: PageInfo }) {
  const { gates } = page.run;
  const asked = (argument: object): boolean =>
    gates.some(
      (gate) =>
        ("gate" in argument && argument.gate === gate.id) ||
        ("document" in argument && argument.document === gate.read),
    );
  const offers = page.ways
    .filter((way) => !asked(way.argument))
    .map(({ short, command, argument, urgent }) => ({ title: short, command, argument, first: urgent }));
  return <Ways panel={panel} offers={offers} />;
}
