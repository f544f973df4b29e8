/** What to do first, where the library has no samples yet: the command, and a place to drop files. */
import { useState } from "react";
import { Empty } from "@/parts/States";
import { UploadList } from "@/rooms/packs/Uploads";
import { upload, useUploads } from "@/rooms/packs/upload";

/** The empty library. */
export function EmptyLibrary() {
  const [over, setOver] = useState(false);
  const { uploads } = useUploads();
  return (
    <Empty title="There are no samples yet">
      <p>Analyse a folder. Nothing in it is changed:</p>
      <pre className="my-2 overflow-x-auto rounded-md border border-line bg-surface px-3 py-2 text-list text-text">
        samplemind submit ~/Samples
      </pre>
      <p>Its sounds appear here while the batch runs.</p>
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
          <p className="mt-2">The next ingestion checks what lies in the inbox and takes it in.</p>
        </div>
      )}
    </Empty>
  );
}
