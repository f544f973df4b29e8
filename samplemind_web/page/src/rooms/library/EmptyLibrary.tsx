/** What to do first, where the library has no samples yet: choose a folder, the command, and a place to drop files. */
import { FolderPlus } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { Empty } from "@/parts/States";
import { useMay } from "@/rooms/login/session";
import { UploadList } from "@/rooms/packs/Uploads";
import { upload, useUploads } from "@/rooms/packs/upload";

/** The empty library. */
export function EmptyLibrary() {
  const may = useMay("submit");
  const [over, setOver] = useState(false);
  const { uploads } = useUploads();
  if (!may) {
    return (
      <Empty title="There are no samples yet">
        <p>They appear here as soon as somebody who may submit has had a folder analysed.</p>
      </Empty>
    );
  }
  return (
    <Empty title="There are no samples yet">
      <p>Have a folder analysed. Nothing in it is changed, and its sounds appear here one by one.</p>
      <p className="my-3">
        <Link
          href="/batches?new=1"
          className="soft inline-flex h-8 items-center gap-1.5 rounded-md bg-accent px-3 font-medium text-list text-on-accent hover:opacity-90"
        >
          <FolderPlus size={15} aria-hidden />
          Analyse a folder
        </Link>
      </p>
      <p>Or on the command line:</p>
      <pre className="my-2 overflow-x-auto rounded-md border border-line bg-surface px-3 py-2 text-list text-text">
        samplemind submit ~/Samples
      </pre>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: what is dropped can be chosen by the field inside, too */}
      <div
        className={`mt-4 rounded-md border border-dashed p-6 text-center ${over ? "border-accent" : "border-edge"}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          upload(event.dataTransfer.files);
        }}
      >
        <label>
          Drop a pack or sounds here, or choose them:{" "}
          <input
            type="file"
            multiple
            className="mt-2 block w-full text-list"
            onChange={(event) => {
              upload(event.currentTarget.files ?? []);
              event.currentTarget.value = "";
            }}
          />
        </label>
      </div>
      {uploads.length > 0 && (
        <div className="mt-3 text-left text-list">
          <UploadList />
          <p className="mt-2">
            What lies in the inbox is checked and taken in from the room{" "}
            <Link href="/packs" className="text-accent underline">
              Packs
            </Link>
            .
          </p>
        </div>
      )}
    </Empty>
  );
}
