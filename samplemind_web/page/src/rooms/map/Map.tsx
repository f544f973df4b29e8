/** The map: all samples as points by sound, to be heard, chosen and followed to their neighbours. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import { announce } from "@/frame/Announcer";
import { useAddress } from "@/frame/address";
import { useKeys } from "@/frame/keys";
import { colour, useTheme } from "@/frame/theme";
import { useWidth } from "@/frame/width";
import { duration, keyName, plural, tempo, words } from "@/parts/format";
import { Empty, Failed } from "@/parts/States";
import { play, prefetch } from "@/player/player";
import { useSelection } from "@/rooms/library/selection";
import { MOST_CHOSEN, tooMany } from "./choice";
import { indicesOf } from "./cloud";
import { FIELDS, type Field } from "./drawing";
import { MapCanvas } from "./MapCanvas";
import { MapLegend } from "./MapLegend";
import { Chosen, Tools } from "./MapTools";
import { counts, legends, palettes } from "./palettes";
import { type MapState, Names, neighbours, type Points, type Row, useMapState, usePoints } from "./queries";
import type { Stage } from "./stage";

const TRAIL = 10;

export default function MapRoom() {
  return (
    <>
      <h1 className="sr-only">Map</h1>
      <Content />
    </>
  );
}

function Content() {
  const map = useMapState();
  const points = usePoints(map.data?.version ?? null);
  if (map.data === undefined) {
    return map.isError ? (
      <Failed error={map.error} what="The map" since={map.errorUpdatedAt} onRetry={map.refetch} />
    ) : (
      <Waiting>Asking for the map.</Waiting>
    );
  }
  if (map.data.version === null || map.data.count === 0) return <NoMap map={map.data} />;
  if (points.data === undefined) {
    return points.isError ? (
      <Failed error={points.error} what="The map" since={points.errorUpdatedAt} onRetry={points.refetch} />
    ) : (
      <Waiting>Loading {plural(map.data.count, "point")}.</Waiting>
    );
  }
  return <Ready key={points.data.cloud.version} map={map.data} points={points.data} />;
}

function Waiting({ children }: { children: React.ReactNode }) {
  return (
    <p role="status" className="p-6 text-dim">
      {children}
    </p>
  );
}

function NoMap({ map }: { map: MapState }) {
  if (map.state === "computing") {
    return (
      <Empty title="The map is being made">
        <p role="status">{progressText(map)} It appears here by itself.</p>
      </Empty>
    );
  }
  return (
    <Empty title="There is no map yet">
      <p>
        A worker draws it from the sounds of the library, soon after the first of them are analysed. Analyse a folder in
        Batches, or run this command:
      </p>
      <code className="mt-2 block rounded-md border border-line bg-surface px-3 py-2 text-list text-text">
        samplemind submit ~/Samples
      </code>
    </Empty>
  );
}

function progressText({ progress }: MapState): string {
  return progress === null || progress === undefined
    ? "A worker compares all sounds with each other."
    : `A worker compares all sounds with each other: ${Math.round(100 * progress)} % is done.`;
}

/** The entries of the legend that are hidden, from the address. */
function hiddenOf(params: URLSearchParams): ReadonlySet<string> {
  return new Set((params.get("hide") ?? "").split(",").filter((id) => id !== ""));
}

function Ready({ map, points: { cloud, index } }: { map: MapState; points: Points }) {
  const [params, change] = useAddress();
  const [, go] = useLocation();
  const client = useQueryClient();
  const theme = useTheme((state) => state.theme);
  const selection = useSelection();
  const [stage, setStage] = useState<Stage | null>(null);
  const names = useMemo(() => new Names(cloud.version), [cloud.version]);
  const sample = params.get("sample");
  const [current, setCurrent] = useState<number | null>(() =>
    sample ? (indicesOf(cloud, [sample])[0] ?? null) : null,
  );
  const [label, setLabel] = useState<Row | undefined>();
  const [trail, setTrail] = useState<readonly number[]>([]);
  const [rings, setRings] = useState<readonly number[]>([]);
  const [lassoing, setLassoing] = useState(false);
  const [chosen, setChosen] = useState<readonly number[]>(() => indicesOf(cloud, [...selection.ids]));
  const wide = useWidth() >= 600;
  const asked = useRef<number | null>(null);

  const said = params.get("by");
  const colourBy: Field = FIELDS.find((field) => field === said) ?? "instrument";
  const hiddenText = params.get("hide") ?? "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is all of the address that counts here.
  const hidden = useMemo(() => hiddenOf(params), [hiddenText]);
  const entries = useMemo(() => legends(map.instruments, map.keys, theme), [map.instruments, map.keys, theme]);
  const tables = useMemo(() => palettes(entries, hidden), [entries, hidden]);
  const found = useMemo(() => counts(cloud[colourBy], entries[colourBy]), [cloud, colourBy, entries]);
  const hiddenHere = entries[colourBy].filter((entry) => hidden.has(entry.id)).length;

  const visible = useCallback(
    (point: number) => FIELDS.every((field) => tables[field][4 * (cloud[field][point] as number) + 3] !== 0),
    [tables, cloud],
  );
  const mask = useMemo(() => {
    if (chosen.length === 0) return null;
    const bytes = new Uint8Array(cloud.count);
    for (const point of chosen) bytes[point] = 1;
    return bytes;
  }, [chosen, cloud.count]);
  const look = useMemo(
    () => ({
      palettes: tables,
      colourBy,
      chosen: mask,
      trail,
      rings,
      current,
      // They change with the theme, and so do the palettes.
      ink: colour("text"),
      accent: colour("accent"),
    }),
    [tables, colourBy, mask, trail, rings, current],
  );

  const failed = useCallback(
    (error: unknown) => {
      announce(error instanceof Error ? error.message : String(error), { bad: true });
      void client.invalidateQueries({ queryKey: ["map"], exact: true });
    },
    [client],
  );

  const point = (at: number | null) => {
    asked.current = at;
    setCurrent(at);
    setLabel(names.known(at));
    if (at === null) return;
    names.rowsOf([at]).then(([row]) => {
      if (asked.current === at) setLabel(row);
    }, failed);
  };

  const hear = (at: number) => {
    names.rowsOf([at]).then(([row]) => {
      if (row === undefined || asked.current !== at) return;
      play(row);
      setTrail((before) => [at, ...before.filter((other) => other !== at)].slice(0, TRAIL));
      const near = index.within(cloud.x[at] as number, cloud.y[at] as number, 60 / (stage?.camera.scale ?? 400));
      names.rowsOf(near.filter(visible).slice(0, 40)).then(
        (rows) => prefetch(rows.slice(0, 8)),
        () => undefined,
      );
    }, failed);
  };

  const open = (at: number) => {
    names.idsOf([at]).then(([fileId]) => {
      if (fileId !== undefined) change({ sample: fileId, panel: "1" }, { replace: true });
    }, failed);
  };

  const ring = async (at: number) => {
    try {
      const [fileId] = await names.idsOf([at]);
      if (fileId === undefined) return;
      const around = indicesOf(cloud, await neighbours(fileId)).filter((other) => other !== at);
      setRings(around);
      announce(`${plural(around.length, "neighbour")} ringed.`);
    } catch (error) {
      failed(error);
    }
  };

  const choose = (inside: readonly number[]) => {
    const at = inside.slice(0, MOST_CHOSEN);
    setChosen(at);
    setLassoing(false);
    selection.clear();
    if (at.length === 0) {
      announce("Nothing is inside the line.");
      return;
    }
    if (at.length < inside.length) announce(tooMany(inside.length), { bad: true });
    names.idsOf(at).then((ids) => selection.set(ids), failed);
  };

  const clear = () => {
    setChosen([]);
    setRings([]);
    setLassoing(false);
    selection.clear();
  };

  const favourite = () => {
    api
      .POST("/api/v1/samples/marks", { body: { ids: [...selection.ids], favourite: true } })
      .then(() => announce(`${plural(selection.ids.size, "sample")} are favourites now.`), failed);
  };

  const focusMap = () => document.querySelector<HTMLElement>(".map-canvas")?.focus();
  useKeys("Map", [
    { key: "ArrowRight", says: "Go to a point of the map and hear it (all arrows)", act: focusMap },
    { key: "PageDown", says: "Go to the next point in order", act: focusMap },
    { key: "l", says: "Draw a lasso", act: () => setLassoing((on) => !on) },
    { key: "a", says: "Choose all in view", act: focusMap },
    { key: "s", says: "Ring the neighbours of the point", act: () => current !== null && void ring(current) },
    { key: "+", says: "Nearer", act: () => stage?.zoom(1.5) },
    { key: "-", says: "Farther", act: () => stage?.zoom(1 / 1.5) },
    { key: "0", says: "Show the whole map", act: () => stage?.fit() },
    { key: "Escape", says: "Choose none", act: clear },
  ]);

  useEffect(() => {
    if (stage !== null && current !== null && trail.length === 0) stage.reveal(current);
  }, [stage, current, trail.length]);

  return (
    <div className="absolute inset-0 overflow-hidden">
      <MapCanvas
        cloud={cloud}
        index={index}
        look={look}
        lassoing={lassoing}
        visible={visible}
        description={`${plural(cloud.count, "sample")} as points; what sounds alike is close together. Arrows go to the next point in a direction and play it, Page Down to the next in order, Enter opens it, s rings its neighbours, plus and minus zoom.`}
        onPoint={point}
        onHear={hear}
        onOpen={open}
        onNeighbours={(at) => void ring(at)}
        onChosen={choose}
        onReady={setStage}
      />
      {label !== undefined && current !== null && stage !== null && <Label row={label} point={current} stage={stage} />}
      <div className="pointer-events-none absolute inset-x-3 top-3 flex items-start gap-3">
        <div className="pointer-events-auto flex flex-col gap-2">
          <Tools
            lassoing={lassoing}
            onLasso={() => setLassoing((on) => !on)}
            onZoom={(factor) => stage?.zoom(factor)}
            onFit={() => stage?.fit()}
            onChooseView={() => stage !== null && choose(inView(stage, cloud.count, visible))}
          />
          {chosen.length > 0 && (
            <Chosen
              points={chosen.length}
              named={selection.ids.size}
              onShow={() => go("/?only=selection")}
              onFavourite={favourite}
              onClear={clear}
            />
          )}
        </div>
        <p className="numbers ml-auto max-w-[50%] rounded-md bg-ground/80 px-1.5 text-right text-dim text-list max-sm:hidden">
          {plural(cloud.count, "sample")}
          {map.state === "stale" && " · newer ones are not on the map yet"}
          {map.state === "computing" && ` · a new map is being made`}
          {stage !== null &&
            !stage.usesWebGl &&
            " · This browser has no WebGL: the map is drawn without it, and moves slowly if it is large."}
        </p>
      </div>
      <details
        open={wide}
        className="absolute bottom-3 left-3 max-h-[min(60%,420px)] w-60 overflow-y-auto rounded-md border border-line bg-surface p-2"
      >
        <summary className="px-1.5 py-0.5 text-dim text-list">Colours</summary>
        <MapLegend
          colourBy={colourBy}
          onColourBy={(field) => change({ by: field === "instrument" ? null : field }, { replace: true })}
          entries={entries[colourBy]}
          counts={found}
          hidden={hidden}
          hiddenElsewhere={hidden.size - hiddenHere}
          onHidden={(after) => change({ hide: [...after].join(",") }, { replace: true })}
        />
      </details>
    </div>
  );
}

function inView(stage: Stage, count: number, visible: (point: number) => boolean): number[] {
  const found: number[] = [];
  for (let point = 0; point < count; point++) {
    const [left, top] = stage.placeOf(point);
    if (left >= 0 && top >= 0 && left <= stage.size.width && top <= stage.size.height && visible(point)) {
      found.push(point);
    }
  }
  return found;
}

/** What is known of the point at hand, beside it and for screen readers; it follows the map. */
function Label({ row, point, stage }: { row: Row; point: number; stage: Stage }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = () => {
      const [left, top] = stage.placeOf(point);
      const aside = left > stage.size.width - 310 ? left - 14 - (box.current?.offsetWidth ?? 0) : left + 14;
      box.current?.style.setProperty("translate", `${Math.max(8, aside)}px ${Math.max(8, top - 52)}px`);
    };
    place();
    stage.onDrawn = place;
    return () => {
      stage.onDrawn = null;
    };
  }, [point, stage]);
  const facts = [
    row.instrument ? words(row.instrument) : null,
    row.tempo ? `${tempo(row.tempo)} BPM` : null,
    row.key ? keyName(row.key, row.mode) : null,
    duration(row.duration),
  ].filter((fact) => fact !== null);
  return (
    <div
      ref={box}
      role="status"
      className="pointer-events-none absolute top-0 left-0 max-w-72 rounded-md border border-edge bg-raised px-2 py-1 text-list"
    >
      <p className="name font-medium">
        <bdi>{row.name}</bdi>
      </p>
      <p className="numbers name text-dim">{facts.join(" · ")}</p>
    </div>
  );
}
