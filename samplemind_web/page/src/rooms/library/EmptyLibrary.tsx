/** What to do first, where the library has no samples yet: the command, and a place to drop files. */
import { useState } from "react";
import { upload } from "@/api/upload";
import { plural } from "@/parts/format";
import { Empty } from "@/parts/States";

/** The empty library. */
export function EmptyLibrary() {
  const [says, setSays] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const take = async (files: File[]) => {
    let done = 0;
    for (const file of files) {
      setSays(`${done} of ${plural(files.length, "file")} are in the inbox; ${file.name} is on its way.`);
      try {
        await upload(file);
        done += 1;
      } catch (error) {
        setSays(`${file.name} was not taken. ${error instanceof Error ? error.message : ""}`);
        return;
      }
    }
    setSays(`${plural(done, "file")} lie in the inbox. They appear here once they are analysed.`);
  };
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
          void take([...event.dataTransfer.files]);
        }}
      >
        <label>
          Drop a pack or sounds here, or choose them:{" "}
          <input
            type="file"
            multiple
            className="mt-2 block w-full text-list"
            onChange={(event) => void take([...(event.currentTarget.files ?? [])])}
          />
        </label>
        {says && (
          <p role="status" className="mt-3 text-text">
            {says}
          </p>
        )}
      </div>
    </Empty>
  );
}
