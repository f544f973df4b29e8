/** What is done with the map as a whole, and with the points that are chosen. */
import { Lasso, ListMusic, Maximize, Minus, Plus, SquareDashed, Star, X } from "lucide-react";
import { Button } from "@/parts/Button";
import { plural } from "@/parts/format";

interface ToolsProps {
  readonly lassoing: boolean;
  readonly onLasso: () => void;
  readonly onZoom: (factor: number) => void;
  readonly onFit: () => void;
  readonly onChooseView: () => void;
}

export function Tools({ lassoing, onLasso, onZoom, onFit, onChooseView }: ToolsProps) {
  return (
    <div role="toolbar" aria-label="Map" className="flex gap-1 rounded-md border border-line bg-surface p-1">
      <Button quiet pressed={lassoing} label="Draw a lasso (l, or drag with Shift)" onClick={onLasso}>
        <Lasso size={16} aria-hidden />
      </Button>
      <Button quiet label="Choose all in view (a)" onClick={onChooseView}>
        <SquareDashed size={16} aria-hidden />
      </Button>
      <Button quiet label="Nearer (+)" onClick={() => onZoom(1.5)}>
        <Plus size={16} aria-hidden />
      </Button>
      <Button quiet label="Farther (-)" onClick={() => onZoom(1 / 1.5)}>
        <Minus size={16} aria-hidden />
      </Button>
      <Button quiet label="Show the whole map (0)" onClick={onFit}>
        <Maximize size={16} aria-hidden />
      </Button>
    </div>
  );
}

interface ChosenProps {
  readonly points: number;
  /** How many of them are known by name; the library can show them once all are. */
  readonly named: number;
  readonly onShow: () => void;
  readonly onFavourite: () => void;
  readonly onClear: () => void;
}

export function Chosen({ points, named, onShow, onFavourite, onClear }: ChosenProps) {
  const ready = named >= points;
  return (
    <section
      aria-label="Chosen samples"
      className="flex flex-wrap items-center gap-2 rounded-md border border-edge bg-surface px-2 py-1.5 text-list"
    >
      <p role="status" className="numbers">
        {ready ? `${plural(points, "sample")} chosen` : `Finding the names of ${plural(points, "sample")}`}
      </p>
      <Button main disabled={!ready} onClick={onShow}>
        <ListMusic size={15} aria-hidden />
        Show in the library
      </Button>
      <Button disabled={!ready || points > 5000} onClick={onFavourite}>
        <Star size={15} aria-hidden />
        Favourite
      </Button>
      <Button quiet label="Choose none (Esc)" onClick={onClear}>
        <X size={15} aria-hidden />
      </Button>
    </section>
  );
}
