/** The parts of what is known of a sample: the side panel and the view of its own show the same. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, taken } from "@/api/client";
import { useAddress } from "@/frame/address";
import { Button } from "@/parts/Button";
import { bytes, duration, keyName, kindName, percent, tempo, words } from "@/parts/format";
import { play } from "@/player/player";
import { KeyCell } from "../library/TableRow";
import type { Facts } from "./facts";

/** A part with its title. */
function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="mb-5 break-inside-avoid">
      <h3 className="mb-1.5 font-medium text-dim text-list">{title}</h3>
      {children}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className="flex justify-between gap-4 py-0.5 text-list">
      <dt className="shrink-0 text-dim">{name}</dt>
      <dd className="numbers name text-right">{children}</dd>
    </div>
  );
}

/** The instrument and the kind: "kick, one-shot", but "drum loop" alone. */
function nature({ instrument, kind }: Facts): string {
  const [said, kinds] = [instrument && words(instrument), kindName(kind)];
  return said && kinds && said.includes(kinds) ? said : [said, kinds].filter(Boolean).join(", ");
}

/** What was measured. */
export function Measures({ facts }: { facts: Facts }) {
  const { rhythm } = facts;
  return (
    <Part title="Facts">
      <dl>
        <Fact name="Kind">{nature(facts)}</Fact>
        <Fact name="Length">{duration(facts.duration)}</Fact>
        {facts.chord && <Fact name="Chord">{facts.chord.name}</Fact>}
        {facts.pitch_note && (
          <Fact name="Note">
            {facts.pitch_note}
            {facts.pitch_cents && Math.abs(facts.pitch_cents) >= 1
              ? ` ${facts.pitch_cents > 0 ? "+" : "−"}${Math.abs(Math.round(facts.pitch_cents))} cents`
              : ""}
          </Fact>
        )}
        {facts.time_signature && <Fact name="Metre">{facts.time_signature.join("/")}</Fact>}
        {rhythm && (
          <Fact name="Rhythm">
            {[rhythm.feel, rhythm.swing && rhythm.swing > 1.05 ? `swing ${rhythm.swing.toFixed(2)}` : null]
              .filter(Boolean)
              .join(", ")}
          </Fact>
        )}
        <Fact name="Loudness">{facts.loudness_lufs === null ? "–" : `${facts.loudness_lufs.toFixed(1)} LUFS`}</Fact>
        {facts.true_peak_dbtp !== null && <Fact name="True peak">{facts.true_peak_dbtp.toFixed(1)} dBTP</Fact>}
        <Fact name="Format">
          {[
            facts.format,
            facts.sample_rate && `${facts.sample_rate / 1000} kHz`,
            facts.channels === 1 ? "mono" : facts.channels === 2 ? "stereo" : `${facts.channels} channels`,
          ]
            .filter(Boolean)
            .join(", ")}
        </Fact>
        {facts.file_size !== null && <Fact name="Size">{bytes(facts.file_size)}</Fact>}
      </dl>
      {facts.warnings && facts.warnings.length > 0 && (
        <p className="mt-1 text-list text-warn">{facts.warnings.map(words).join(", ")}</p>
      )}
    </Part>
  );
}

/** What tempo and key may be, each with how sure it is. */
export function Candidates({ facts }: { facts: Facts }) {
  const tempi = facts.tempo_candidates ?? [];
  const keys = facts.key_candidates ?? [];
  if (!facts.tempo && !facts.key) return null;
  return (
    <Part title="How sure the analysis is">
      {facts.tempo && (
        <Bars
          title={`Tempo ${tempo(facts.tempo)} BPM`}
          confidence={facts.tempo_confidence}
          rows={tempi.slice(0, 4).map(({ tempo: bpm, score }) => [tempo(bpm), score])}
        />
      )}
      {facts.key && (
        <Bars
          title={`Key ${keyName(facts.key, facts.mode)}${facts.camelot ? ` (${facts.camelot})` : ""}`}
          confidence={facts.key_confidence}
          rows={keys.slice(0, 4).map(({ key, mode, score }) => [keyName(key, mode), score])}
        />
      )}
    </Part>
  );
}

function Bars({ title, confidence, rows }: { title: string; confidence: number | null; rows: [string, number][] }) {
  return (
    <div className="mb-2">
      <p className="flex justify-between text-list">
        <span>{title}</span>
        <span className="numbers text-dim">{percent(confidence)}</span>
      </p>
      <ul>
        {rows.map(([name, score]) => (
          <li key={name} className="flex items-center gap-2 text-[12px] text-dim">
            <span className="numbers w-12 shrink-0">{name}</span>
            <span aria-hidden className="h-1.5 flex-1 rounded-sm bg-line">
              <span
                className="block h-full rounded-sm bg-edge"
                style={{ width: `${Math.min(Math.max(score, 0), 1) * 100}%` }}
              />
            </span>
            <span className="numbers w-10 text-right">{percent(score)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What chunks, tags and names say, against what was heard. */
export function Stated({ facts }: { facts: Facts }) {
  const stated = facts.stated ?? [];
  if (!stated.length) return null;
  const heard: Record<string, string> = {
    tempo: facts.tempo_audio ? tempo(facts.tempo_audio) : "no tempo",
    key: facts.key_audio ? keyName(facts.key_audio, facts.mode_audio) : "no key",
    kind: kindName(facts.kind_audio),
    instrument: words(facts.instrument_audio),
  };
  return (
    <Part title="What the file says, and what was heard">
      <table className="w-full text-list">
        <thead className="sr-only">
          <tr>
            <th>About</th>
            <th>Said</th>
            <th>Heard</th>
          </tr>
        </thead>
        <tbody>
          {stated.map((claim) => (
            <tr key={`${claim.about} ${claim.source} ${claim.text}`} className="align-top">
              <th scope="row" className="py-0.5 pr-2 text-left font-normal text-dim">
                {words(claim.about)}
              </th>
              <td className={`py-0.5 pr-2 ${claim.believed ? "" : "text-faint line-through"}`}>
                <bdi>{claim.text}</bdi> <span className="text-[12px] text-faint">{words(claim.source)}</span>
              </td>
              <td className="py-0.5 text-right text-dim">{heard[claim.about] ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

/** The summary with its tips. */
export function Summary({ facts }: { facts: Facts }) {
  if (!facts.ai_summary) return null;
  const lists = [
    ["Production", facts.production_tips ?? []],
    ["Ideas", facts.creative_ideas ?? []],
    ["FL Studio", facts.fl_studio_recommendations ?? []],
  ] as const;
  return (
    <Part title="Summary">
      <p className="text-list">
        <bdi>{facts.ai_summary}</bdi>
      </p>
      {lists.map(
        ([title, items]) =>
          items.length > 0 && (
            <details key={title} className="mt-1 text-list">
              <summary className="text-dim">{title}</summary>
              <ul className="mt-1 list-disc pl-5">
                {items.map((item) => (
                  <li key={item}>
                    <bdi>{item}</bdi>
                  </li>
                ))}
              </ul>
            </details>
          ),
      )}
      <p className="mt-1 text-[12px] text-faint">
        {facts.ai_model ? `Written by ${facts.ai_model}.` : "Written by the local describer from the measures."}
      </p>
    </Part>
  );
}

/** Tags and collections. */
export function Marks({ facts }: { facts: Facts }) {
  const tags = facts.tags ?? [];
  if (!tags.length && !facts.user_tags?.length && !facts.collections?.length) return null;
  const chip = "name inline-block max-w-full rounded-md border border-line px-1.5 text-[12px] hover:border-edge";
  return (
    <Part title="Tags and collections">
      <ul className="flex flex-wrap gap-1">
        {[...(facts.user_tags ?? []), ...tags].map((tag) => (
          <li key={tag} className="max-w-full">
            <Link
              href={`/?tag=${encodeURIComponent(tag)}`}
              className={`${chip} ${facts.user_tags?.includes(tag) ? "" : "text-dim"}`}
            >
              <bdi>{tag}</bdi>
            </Link>
          </li>
        ))}
        {(facts.collections ?? []).map(({ id, name }) => (
          <li key={id} className="max-w-full">
            <Link href={`/?collection=${encodeURIComponent(id)}`} className={`${chip} text-accent`}>
              <bdi>{name}</bdi>
            </Link>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** Every place where the content lies. */
export function Places({ facts }: { facts: Facts }) {
  const shown = facts.places.length ? facts.places : facts.path ? [facts.path] : [];
  if (!shown.length) return null;
  return (
    <Part title={shown.length === 1 ? "Place" : `${shown.length} places`}>
      <ul className="text-[12px] text-dim">
        {shown.map((place) => (
          <li key={place} className="break-all py-0.5">
            <bdi>{place}</bdi>
          </li>
        ))}
      </ul>
      {facts.gone_at && <p className="text-list text-warn">It has been gone since {facts.gone_at.slice(0, 10)}.</p>}
    </Part>
  );
}

const ASPECTS = ["all", "timbre", "envelope", "pitch", "rhythm"] as const;

/** What sounds like it: as a whole, or in one aspect. */
export function Neighbours({ facts }: { facts: Facts }) {
  const [by, setBy] = useState<(typeof ASPECTS)[number]>("all");
  const [, change] = useAddress();
  const { data, error, isPending } = useQuery({
    queryKey: ["neighbours", facts.file_id, by],
    queryFn: ({ signal }) => {
      const query = (by === "all" ? { limit: 8 } : { limit: 8, by }) as object;
      return taken(
        api.GET("/api/v1/samples/{file_id}/similar", { params: { path: { file_id: facts.file_id }, query }, signal }),
      );
    },
  });
  return (
    <Part title="What sounds like it">
      <div role="group" aria-label="Aspect" className="mb-1 flex flex-wrap gap-1">
        {ASPECTS.map((aspect) => (
          <Button key={aspect} quiet pressed={aspect === by} onClick={() => setBy(aspect)}>
            {aspect}
          </Button>
        ))}
      </div>
      {isPending && <p className="text-dim text-list">Comparing.</p>}
      {error && <p className="text-bad text-list">{error.message}</p>}
      <ul>
        {data?.items.map((row) => (
          <li key={row.file_id}>
            <button
              type="button"
              className="flex w-full items-center gap-2 rounded-md px-1 py-1 text-left text-list hover:bg-hover"
              onClick={() => {
                play(row);
                change({ sample: row.file_id }, { replace: true });
              }}
            >
              <span className="name flex-1">
                <bdi>{row.name}</bdi>
              </span>
              <span className="numbers text-[12px] text-dim">{row.tempo ? tempo(row.tempo) : ""}</span>
              <span className="text-[12px]">
                <KeyCell row={row} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {data?.items.length === 0 && <p className="text-dim text-list">Nothing else sounds like it.</p>}
    </Part>
  );
}
