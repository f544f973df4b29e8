/** The drop target of the room, and the uploads with their progress. */
import { RotateCcw, Upload as UploadIcon, X } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { Button } from "@/parts/Button";
import { bytes, percent, plural } from "@/parts/format";
import { cancelUpload, clearUploads, isUnderWay, nextName, sendAgain, type Upload, upload, useUploads } from "./upload";

/** Takes files that are dropped anywhere on it. */
export function Dropping({ allowed, children }: { allowed: boolean; children: ReactNode }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (allowed) upload(event.dataTransfer.files);
  };
  return (
    <section
      aria-label="Packs and nights"
      className="relative h-full"
      onDragOver={(event) => {
        if (!allowed || !event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(false)}
      onDrop={drop}
    >
      {children}
      {over && (
        <p className="pointer-events-none absolute inset-2 z-20 flex items-center justify-center rounded-md border-2 border-accent border-dashed bg-ground/90 text-[17px]">
          Drop zips and audio files to put them into the inbox
        </p>
      )}
    </section>
  );
}

/** The button that chooses files, and below it what is sent. */
export function Uploads() {
  const { uploads } = useUploads();
  const input = useRef<HTMLInputElement>(null);
  return (
    <section aria-label="Uploads" className="shrink-0 border-line border-b px-3 py-2 text-list">
      <div className="flex flex-wrap items-center gap-3">
        <Button main onClick={() => input.current?.click()}>
          <UploadIcon size={15} aria-hidden />
          Upload packs
        </Button>
        <input
          ref={input}
          type="file"
          multiple
          className="hidden"
          aria-label="Packs to upload"
          onChange={(event) => {
            upload(event.target.files ?? []);
            event.target.value = "";
          }}
        />
        <p className="text-dim">
          Or drop them here: zips, or single audio files. They lie in the inbox until they are checked and taken in.
        </p>
        {uploads.some(({ state }) => !isUnderWay(state)) && (
          <Button quiet className="ml-auto" onClick={clearUploads}>
            Clear ended
          </Button>
        )}
      </div>
      <UploadList />
    </section>
  );
}

/** What was sent, is sent, or waits. */
export function UploadList() {
  const { uploads } = useUploads();
  if (uploads.length === 0) return null;
  return (
    <ul aria-label="Uploaded files" className="mt-2 flex max-h-56 flex-col gap-1 overflow-y-auto">
      {uploads.map((each) => (
        <Row key={each.id} each={each} />
      ))}
    </ul>
  );
}

function Row({ each }: { each: Upload }) {
  const share = each.file.size === 0 ? 1 : each.sent / each.file.size;
  return (
    <li className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1">
      <bdi className="name max-w-[40%]" title={each.name}>
        {each.name}
      </bdi>
      {each.state === "sending" ? (
        <>
          <progress value={share} max={1} aria-label={`Upload of ${each.name}`} className="h-1.5 w-40 accent-accent" />
          <span className="numbers text-dim">
            {bytes(each.sent)} of {bytes(each.file.size)}, {percent(share)}
          </span>
        </>
      ) : (
        <span
          role={each.state === "failed" || each.state === "conflict" ? "alert" : undefined}
          className={COLOUR[each.state]}
        >
          {said(each)}
        </span>
      )}
      <span className="ml-auto flex gap-1">
        {each.state === "conflict" && (
          <Button onClick={() => sendAgain(each.id, nextName(each.name))}>
            Send as <bdi className="name max-w-60">{nextName(each.name)}</bdi>
          </Button>
        )}
        {(each.state === "failed" || each.state === "cancelled") && (
          <Button label={`Send ${each.name} again`} quiet onClick={() => sendAgain(each.id)}>
            <RotateCcw size={14} aria-hidden />
          </Button>
        )}
        {isUnderWay(each.state) && (
          <Button label={`Cancel the upload of ${each.name}`} quiet onClick={() => cancelUpload(each.id)}>
            <X size={14} aria-hidden />
          </Button>
        )}
      </span>
    </li>
  );
}

const COLOUR = {
  waiting: "text-dim",
  sending: "text-dim",
  done: "text-good",
  conflict: "text-warn",
  failed: "text-bad",
  cancelled: "text-dim",
} as const;

function said({ state, message, file }: Upload): string {
  if (state === "waiting") return `Waits for the ones before it (${bytes(file.size)})`;
  if (state === "done") return `In the inbox, ${plural(file.size, "byte")}`;
  return message ?? "The server refused it.";
}
