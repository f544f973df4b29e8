/** The columns of the table: how wide each is, and from which width of the table on it is shown. */

export interface Column {
  id: "wave" | "name" | "tempo" | "key" | "kind" | "length" | "tags" | "star";
  title: string;
  /** As CSS takes it in a grid. */
  width: string;
  from: number;
  sort?: string;
}

const WAVE_WIDTH = 120;
const NARROW_WAVE = 64;

const COLUMNS: readonly Column[] = [
  { id: "wave", title: "Waveform", width: `${WAVE_WIDTH}px`, from: 0 },
  { id: "name", title: "Name", width: "minmax(0, 3fr)", from: 0, sort: "name" },
  { id: "tempo", title: "Tempo", width: "64px", from: 0, sort: "tempo" },
  { id: "key", title: "Key", width: "60px", from: 0 },
  { id: "kind", title: "Kind", width: "minmax(116px, 0.8fr)", from: 700 },
  { id: "length", title: "Length", width: "64px", from: 520, sort: "duration" },
  { id: "tags", title: "Tags", width: "minmax(0, 1.4fr)", from: 860 },
  { id: "star", title: "Favourite", width: "32px", from: 420 },
];

/** What a match needs is the point of its list: it is wider, and shown before kind and length are. */
const RECIPE: Column = { id: "tags", title: "How it fits", width: "minmax(150px, 2.4fr)", from: 600 };

/** The columns for a table of this width, and the CSS grid that holds them; `recipes` if rows say how they fit. */
export function columnsFor(width: number, recipes = false): { columns: Column[]; template: string; wave: number } {
  const columns = COLUMNS.map((column) => (recipes && column.id === "tags" ? RECIPE : column)).filter(
    ({ from }) => width >= from,
  );
  const wave = width < 700 ? NARROW_WAVE : WAVE_WIDTH;
  const template = columns.map((column) => (column.id === "wave" ? `${wave}px` : column.width)).join(" ");
  return { columns, template, wave };
}
