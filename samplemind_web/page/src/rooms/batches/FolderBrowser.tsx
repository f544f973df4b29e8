/** Goes through the folders below a root. */
import { useQuery } from "@tanstack/react-query";
import { CornerLeftUp, Folder } from "lucide-react";
import { api, Problem, taken } from "@/api/client";
import { count } from "@/parts/format";
import { Failed, SkeletonRows } from "@/parts/States";

interface Props {
  readonly root: string;
  /** The folder below the root; empty for the root itself. */
  readonly folder: string;
  readonly onFolder: (folder: string) => void;
}

export function FolderBrowser({ root, folder, onFolder }: Props) {
  const { data, error, errorUpdatedAt, isPending, refetch } = useQuery({
    queryKey: ["folders", root, folder],
    queryFn: () =>
      taken(api.GET("/api/v1/roots/{name}/folders", { params: { path: { name: root }, query: { path: folder } } })),
  });
  const refused = error instanceof Problem && !error.passing && error.status < 500;
  const parts = folder === "" ? [] : folder.split("/");
  return (
    <section aria-label="Folders" className="flex flex-col rounded-md border border-line text-list">
      <nav
        aria-label="Folder"
        className="flex min-w-0 flex-wrap items-center gap-1 border-line border-b bg-surface px-2 py-1.5"
      >
        <Crumb name={root} onClick={() => onFolder("")} here={parts.length === 0} />
        {parts.map((part, at) => {
          const path = parts.slice(0, at + 1).join("/");
          return (
            <span key={path} className="flex min-w-0 items-center gap-1">
              <span aria-hidden className="text-faint">
                /
              </span>
              <Crumb name={part} onClick={() => onFolder(path)} here={at === parts.length - 1} />
            </span>
          );
        })}
      </nav>
      <div className="h-64 overflow-y-auto">
        {isPending && <SkeletonRows rows={6} height={32} />}
        {/* What was typed is no folder, perhaps not yet: the form says so when it is sent. */}
        {refused && <p className="px-3 py-1.5 text-dim">{error.message}</p>}
        {error && !refused && data === undefined && (
          <Failed error={error} what="The folders" since={errorUpdatedAt} onRetry={refetch} />
        )}
        {data && (
          <ul>
            {parts.length > 0 && (
              <li>
                <button
                  type="button"
                  onClick={() => onFolder(parts.slice(0, -1).join("/"))}
                  className="soft flex h-8 w-full items-center gap-2 px-3 text-dim hover:bg-hover"
                >
                  <CornerLeftUp size={15} aria-hidden />
                  One folder up
                </button>
              </li>
            )}
            {data.folders.map((name) => (
              <li key={name}>
                <button
                  type="button"
                  onClick={() => onFolder([...parts, name].join("/"))}
                  className="soft flex h-8 w-full items-center gap-2 px-3 hover:bg-hover"
                >
                  <Folder size={15} aria-hidden className="shrink-0 text-dim" />
                  <bdi className="name">{name}</bdi>
                </button>
              </li>
            ))}
            <li className="px-3 py-1.5 text-dim">
              {data.folders.length === 0 && "There are no folders in here. "}
              {!data.complete && "There are more folders than are listed: type their path. "}
              {data.audio > 0 && `${count(data.audio)} audio files lie directly in this folder.`}
            </li>
          </ul>
        )}
      </div>
    </section>
  );
}

function Crumb({ name, onClick, here }: { name: string; onClick: () => void; here: boolean }) {
  return (
    <button
      type="button"
      onClick={onClick}
      aria-current={here ? "location" : undefined}
      className={`soft name max-w-56 rounded px-1 hover:bg-hover ${here ? "font-medium" : "text-dim"}`}
    >
      <bdi>{name}</bdi>
    </button>
  );
}
