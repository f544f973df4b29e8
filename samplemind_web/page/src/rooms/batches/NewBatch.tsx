/** The form that begins a batch: which folder, and what is to be done with it. */
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useLocation } from "wouter";
import { api, Problem, type Schemas, taken } from "@/api/client";
import { announce } from "@/frame/Announcer";
import { Button } from "@/parts/Button";
import { Failed, SkeletonRows } from "@/parts/States";
import { FolderBrowser } from "./FolderBrowser";
import { once, useBatchAction } from "./queries";

type Root = Schemas["Root"];

function beginBatch(body: {
  root: string;
  paths: string[];
  name: string | null;
  ai: boolean;
  priority: "interactive" | "bulk";
  force: boolean;
  budget_usd: number | null;
}) {
  return taken(api.POST("/api/v1/batches", { params: { header: once() }, body }));
}

export function NewBatch({ onClose }: { onClose: () => void }) {
  const roots = useQuery({ queryKey: ["roots"], queryFn: () => taken(api.GET("/api/v1/roots")) });
  return (
    <section aria-labelledby="new-batch" className="flex max-w-2xl flex-col gap-4 p-4">
      <div className="flex items-center">
        <h2 id="new-batch" className="mr-auto font-semibold text-[17px]">
          Analyse a folder
        </h2>
        <Button quiet label="Close" onClick={onClose}>
          <X size={16} aria-hidden />
        </Button>
      </div>
      {roots.isPending && <SkeletonRows rows={4} />}
      {roots.isError && (
        <Failed error={roots.error} what="The folders" since={roots.errorUpdatedAt} onRetry={roots.refetch} />
      )}
      {roots.data && roots.data.items.length > 0 && <Form roots={roots.data.items} />}
      {roots.data?.items.length === 0 && (
        <p className="text-dim">There is no folder that you may analyse. An admin names roots with SAMPLEMIND_ROOTS.</p>
      )}
    </section>
  );
}

function Form({ roots }: { roots: readonly Root[] }) {
  const [, go] = useLocation();
  const id = useId();
  const [root, setRoot] = useState(roots[0] as Root);
  const [folder, setFolder] = useState(root.start);
  const [name, setName] = useState("");
  const [ai, setAi] = useState(true);
  const [force, setForce] = useState(false);
  const [bulk, setBulk] = useState(false);
  const [budget, setBudget] = useState("");
  const begin = useBatchAction(beginBatch, ({ batch_id }) => {
    announce("The batch has begun.");
    go(`/batches/${encodeURIComponent(batch_id)}`);
  });
  const above = root.path.endsWith("/") ? root.path : `${root.path}/`;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate({
      root: root.name,
      paths: [folder],
      name: name.trim() || null,
      ai,
      force,
      priority: bulk ? "bulk" : "interactive",
      budget_usd: ai && budget !== "" ? Number(budget) : null,
    });
  };
  return (
    <form className="flex flex-col gap-4" onSubmit={submit}>
      {roots.length > 1 && (
        <label className="flex flex-col gap-1 text-list">
          Root
          <select
            value={root.name}
            onChange={(event) => {
              const next = roots.find(({ name: other }) => other === event.target.value) ?? root;
              setRoot(next);
              setFolder(next.start);
            }}
            className="h-8 rounded-md border border-edge bg-surface px-2"
          >
            {roots.map((each) => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
        </label>
      )}
      <label className="flex flex-col gap-1 text-list">
        Folder or file: type its path, or choose it below
        <input
          value={`${above}${folder}`}
          onChange={(event) => setFolder(below(above, event.target.value))}
          spellCheck={false}
          autoComplete="off"
          aria-describedby={begin.isError ? `${id}-error` : undefined}
          aria-invalid={begin.isError}
          className="h-8 rounded-md border border-edge bg-surface px-2"
        />
      </label>
      <FolderBrowser root={root.name} folder={folder} onFolder={setFolder} />
      <label className="flex flex-col gap-1 text-list">
        Name of the batch (else that of the folder)
        <input
          value={name}
          maxLength={200}
          onChange={(event) => setName(event.target.value)}
          className="h-8 rounded-md border border-edge bg-surface px-2"
        />
      </label>
      <fieldset className="flex flex-col gap-2 text-list">
        <legend className="sr-only">How</legend>
        <Check checked={ai} onChange={setAi} label="Write a summary of each file" />
        {ai && (
          <label className="ml-6 flex items-center gap-2 text-dim">
            Spend at most
            <input
              type="number"
              min={0}
              step="0.01"
              value={budget}
              onChange={(event) => setBudget(event.target.value)}
              className="numbers h-7 w-24 rounded-md border border-edge bg-surface px-2 text-text"
            />
            USD on it (empty: the budgets of the settings)
          </label>
        )}
        <Check checked={bulk} onChange={setBulk} label="Let other batches go first" />
        <Check checked={force} onChange={setForce} label="Analyse again what is known and unchanged" />
      </fieldset>
      {begin.isError && (
        <p id={`${id}-error`} role="alert" className="break-words text-bad text-list">
          {begin.error instanceof Problem ? begin.error.message : String(begin.error)}
        </p>
      )}
      <div>
        <Button main type="submit" disabled={begin.isPending}>
          {begin.isPending ? "Asking the server" : folder === "" ? `Analyse all of ${root.name}` : "Analyse"}
        </Button>
      </div>
    </form>
  );
}

/** Return a typed path without the root's own, so that pasting a whole path works. */
function below(above: string, typed: string): string {
  return typed.startsWith(above) ? typed.slice(above.length) : typed.replace(/^\/+/, "");
}

function Check({ checked, onChange, label }: { checked: boolean; onChange: (on: boolean) => void; label: string }) {
  return (
    <label className="flex items-center gap-2">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        className="size-4 accent-accent"
      />
      {label}
    </label>
  );
}
