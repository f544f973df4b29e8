/** The player: always there, at the foot of the page. Here are the tempo and the key of the project, too. */
import { Pause, Pin, Play, Repeat, Square, Volume2 } from "lucide-react";
import { useEffect, useId, useRef } from "react";
import { useKeys } from "@/frame/keys";
import { Button } from "@/parts/Button";
import { duration, keyName, tempo } from "@/parts/format";
import { inWords } from "./fit";
import { hold, position, seek, setUp, skip, stop, toggle, usePlayer } from "./player";

const KEYS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/** The dock. */
export function Dock() {
  const { current, held, playing, trouble, fit, inProject, repeat } = usePlayer();
  useKeys("Player", [
    { key: " ", says: "Play or pause", act: toggle },
    { key: "Escape", says: "Stop", act: stop },
    { key: "ArrowLeft", says: "Back by a beat", act: () => skip(-1) },
    { key: "ArrowRight", says: "Forward by a beat", act: () => skip(1) },
    {
      key: "p",
      says: "Play in the project's tempo and key, or as recorded",
      act: () => setUp({ inProject: !inProject }),
    },
    { key: "h", says: "Hold what plays under what comes, or let it go", act: hold },
    { key: "r", says: "Repeat everything, or play once", act: () => setUp({ repeat: !repeat }) },
  ]);
  const changed = inProject && current ? inWords(fit) : "";
  return (
    <section
      aria-label="Player"
      className="flex min-h-14 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-t bg-surface px-3 py-1.5"
    >
      <div className="flex items-center gap-1">
        <Button quiet label={playing ? "Pause (Space)" : "Play (Space)"} onClick={toggle} disabled={!current}>
          {playing ? (
            <Pause size={18} aria-hidden fill="currentColor" />
          ) : (
            <Play size={18} aria-hidden fill="currentColor" />
          )}
        </Button>
        <Button quiet label="Stop (Esc)" onClick={stop} disabled={!playing && !held}>
          <Square size={14} aria-hidden fill="currentColor" />
        </Button>
      </div>
      <div className="flex min-w-0 flex-1 basis-48 flex-col">
        <div className="flex min-w-0 items-baseline gap-2 text-list">
          <span className="name font-medium" title={current?.name}>
            {current ? <bdi>{current.name}</bdi> : <span className="font-normal text-dim">Nothing plays yet</span>}
          </span>
          {current && (
            <span className="numbers shrink-0 text-dim max-sm:hidden">
              {[
                current.tempo ? `${tempo(current.tempo)} BPM` : null,
                current.key ? keyName(current.key, current.mode) : null,
                duration(current.duration),
              ]
                .filter(Boolean)
                .join(" · ")}
            </span>
          )}
          {changed && <span className="shrink-0 text-accent">{changed}</span>}
          {held && (
            <span className="name text-dim">
              over <bdi>{held.name}</bdi>
            </span>
          )}
        </div>
        {trouble ? (
          <p role="alert" className="name text-bad text-list" title={trouble}>
            {trouble}
          </p>
        ) : (
          <Progress />
        )}
      </div>
      <div className="flex items-center gap-1">
        <Button quiet pressed={held !== null} label="Hold what plays under what comes (h)" onClick={hold}>
          <Pin size={16} aria-hidden />
        </Button>
        <Button quiet pressed={repeat} label="Repeat (r)" onClick={() => setUp({ repeat: !repeat })}>
          <Repeat size={16} aria-hidden />
        </Button>
      </div>
      <ProjectFields />
      <Volume />
    </section>
  );
}

function ProjectFields() {
  const { inProject, project } = usePlayer();
  const bpm = useId();
  const key = useId();
  const field = "h-7 rounded-md border border-edge bg-ground px-1.5 text-list";
  return (
    <fieldset className="flex items-center gap-1.5 text-list">
      <legend className="sr-only">My project</legend>
      <Button pressed={inProject} title="As in my project (p)" onClick={() => setUp({ inProject: !inProject })}>
        as in project
      </Button>
      <label htmlFor={bpm} className="sr-only">
        Tempo of the project in BPM
      </label>
      <input
        id={bpm}
        type="number"
        min={20}
        max={400}
        step="any"
        defaultValue={project.bpm ?? ""}
        placeholder="–"
        className={`${field} numbers w-14`}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        onBlur={({ currentTarget }) => {
          const value = currentTarget.value === "" ? null : Number(currentTarget.value);
          if (value !== null && !(value >= 20 && value <= 400)) {
            currentTarget.value = String(project.bpm ?? "");
          } else if (value !== project.bpm) setUp({ project: { ...project, bpm: value }, inProject: true });
        }}
      />
      <span className="text-dim max-lg:hidden">BPM</span>
      <label htmlFor={key} className="sr-only">
        Key of the project
      </label>
      <select
        id={key}
        className={field}
        value={project.key ? `${project.key} ${project.mode}` : ""}
        onChange={({ currentTarget }) => {
          const [name, mode] = currentTarget.value.split(" ");
          setUp({
            project: { ...project, key: name || null, mode: mode === "major" ? "major" : "minor" },
            inProject: true,
          });
        }}
      >
        <option value="">any key</option>
        {["minor", "major"].map((mode) =>
          KEYS.map((name) => (
            <option key={`${name} ${mode}`} value={`${name} ${mode}`}>
              {keyName(name, mode)}
            </option>
          )),
        )}
      </select>
    </fieldset>
  );
}

function Volume() {
  const volume = usePlayer((state) => state.volume);
  return (
    <label className="flex items-center gap-1 text-dim max-md:hidden">
      <Volume2 size={16} aria-hidden />
      <span className="sr-only">Volume</span>
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={volume}
        onChange={({ currentTarget }) => setUp({ volume: Number(currentTarget.value) })}
        className="w-20 accent-accent"
      />
    </label>
  );
}

/** Where the sound is. The bar is moved without React: it changes with every frame. */
function Progress() {
  const { current, playing } = usePlayer();
  const bar = useRef<HTMLInputElement>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      const part = position();
      if (bar.current && document.activeElement !== bar.current) bar.current.value = String(part);
      if (bar.current) bar.current.style.setProperty("--part", `${part * 100}%`);
      if (playing) frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [playing]);
  const seconds = current?.duration ?? 0;
  return (
    <input
      ref={bar}
      type="range"
      aria-label="Position"
      min={0}
      max={1}
      step={0.001}
      defaultValue={0}
      disabled={!current}
      aria-valuetext={`of ${duration(seconds)}`}
      onChange={({ currentTarget }) => seek(Number(currentTarget.value))}
      className="progress h-6 w-full"
    />
  );
}
