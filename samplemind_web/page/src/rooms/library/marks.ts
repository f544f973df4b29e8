/** What people set on samples: favourites, tags, collections; and what leaves the page: paths and files. */
import { api, Problem, taken } from "@/api/client";
import { queryClient } from "@/api/queries";
import { announce } from "@/frame/Announcer";
import { plural } from "@/parts/format";
import { soundUrl } from "@/player/sounds";
import type { Row } from "./rows";

export interface Change {
  favourite?: boolean;
  add_tags?: string[];
  remove_tags?: string[];
}

/** Change the marks of samples, on the page at once; what the server refuses is taken back and said. */
export async function mark(ids: readonly string[], change: Change): Promise<void> {
  const chosen = new Set(ids);
  patch((row) => (chosen.has(row.file_id) ? marked(row, change) : row));
  try {
    await taken(
      api.POST("/api/v1/samples/marks", { body: { ids: [...ids], add_tags: [], remove_tags: [], ...change } }),
    );
  } catch (error) {
    announce(`The change was not made. ${error instanceof Problem ? error.message : ""}`, { bad: true });
    void queryClient.invalidateQueries({ queryKey: ["samples"] });
    return;
  }
  void queryClient.invalidateQueries({ queryKey: ["sample"] });
  void queryClient.invalidateQueries({ queryKey: ["tags"] });
  const what = plural(ids.length, "sample");
  if (change.favourite !== undefined) {
    announce(change.favourite ? `${what}: added to your favourites.` : `${what}: no favourite any more.`);
  } else announce(`The tags of ${what} were changed.`);
}

function marked(row: Row, { favourite, add_tags = [], remove_tags = [] }: Change): Row {
  const tags = row.user_tags.filter((tag) => !remove_tags.includes(tag));
  return {
    ...row,
    favourite: favourite ?? row.favourite,
    user_tags: [...tags, ...add_tags.filter((tag) => !tags.includes(tag))],
  };
}

/** Change rows in all lists that are loaded. */
function patch(change: (row: Row) => Row): void {
  queryClient.setQueriesData({ queryKey: ["samples"] }, (data: unknown) => {
    if (Array.isArray(data)) return (data as Row[]).map(change);
    if (data && typeof data === "object" && "items" in data) {
      const page = data as { items: Row[] };
      return { ...page, items: page.items.map(change) };
    }
    return data;
  });
}

/** Put samples into a collection, or take them out. */
export async function collect(collection: { id: string; name: string }, change: { add?: string[]; remove?: string[] }) {
  const ids = change.add ?? change.remove ?? [];
  try {
    await taken(
      api.POST("/api/v1/collections/{collection}/samples", {
        params: { path: { collection: collection.id } },
        body: { add: change.add ?? [], remove: change.remove ?? [] },
      }),
    );
    announce(`${plural(ids.length, "sample")}: ${change.add ? "put into" : "taken out of"} ${collection.name}.`);
  } catch (error) {
    announce(`The collection was not changed. ${error instanceof Problem ? error.message : ""}`, { bad: true });
  }
  void queryClient.invalidateQueries({ queryKey: ["collections"] });
  void queryClient.invalidateQueries({ queryKey: ["sample"] });
}

/** Copy the paths of samples, one per line. */
export async function copyPaths(rows: readonly Row[]): Promise<void> {
  const paths = rows.map((row) => row.path ?? [row.folder, row.name].filter(Boolean).join("/"));
  try {
    await navigator.clipboard.writeText(paths.join("\n"));
    announce(`${plural(paths.length, "path")} copied.`);
  } catch {
    announce("The browser does not let the page copy.", { bad: true });
  }
}

/** Whether the server runs on the machine of the browser: then the paths are its own. */
const LOCAL = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

/** Fill what is dragged: the real files where they lie on this machine, otherwise files that the browser loads. */
export function fillDrag(event: DragEvent | React.DragEvent, rows: readonly Row[]): void {
  const [first] = rows;
  const data = event.dataTransfer;
  if (!first || !data) return;
  const urls = rows.map((row) =>
    LOCAL && row.path ? fileUrl(row.path) : new URL(soundUrl(row.file_id, "?download=true"), location.href).href,
  );
  data.effectAllowed = "copy";
  data.setData("text/uri-list", urls.join("\r\n"));
  data.setData("text/plain", rows.map((row) => row.path ?? row.name).join("\n"));
  // Chromium alone; a colon would end the name.
  const name = first.name.replace(/[/\\:*?"<>|\p{Cc}]/gu, "_");
  const whole = new URL(soundUrl(first.file_id, "?download=true"), location.href).href;
  data.setData("DownloadURL", `application/octet-stream:${name}:${whole}`);
}

/** The `file:` address of an absolute path. */
function fileUrl(path: string): string {
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}
