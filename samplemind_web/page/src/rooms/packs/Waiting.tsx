/** What lies in the inbox now, and the button that has it taken in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { PackageOpen } from "lucide-react";
import { useEffect, useRef } from "react";
import { api, taken } from "@/api/client";
import { announce } from "@/frame/Announcer";
import { Button } from "@/parts/Button";
import { plural } from "@/parts/format";
import { once } from "@/rooms/batches/queries";

export function Waiting({ may }: { may: boolean }) {
  const client = useQueryClient();
  const { data, error } = useQuery({
    queryKey: ["inbox"],
    queryFn: () => taken(api.GET("/api/v1/inbox")),
    refetchInterval: ({ state }) => (state.data?.ingesting ? 1_000 : 10_000),
  });
  const takeIn = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/ingest", { params: { header: once() } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["inbox"] }),
    onError: (problem) => announce(problem.message, { bad: true }),
  });
  const ingesting = data?.ingesting ?? false;
  const before = useRef(ingesting);
  useEffect(() => {
    if (before.current && !ingesting) {
      void client.invalidateQueries({ queryKey: ["packs"] });
      void client.invalidateQueries({ queryKey: ["nights"] });
    }
    before.current = ingesting;
  }, [ingesting, client]);
  if (error && data === undefined) {
    return (
      <p className="border-line border-b px-3 py-2 text-list text-warn">The inbox cannot be listed: {error.message}</p>
    );
  }
  if (data === undefined) return null;
  if (data.packs.length + data.left_alone.length === 0 && !ingesting && data.error === null) return null;
  return (
    <section
      aria-label="Inbox"
      className="flex flex-wrap items-start gap-x-3 gap-y-1 border-line border-b px-3 py-2 text-list"
    >
      <details className="min-w-0 flex-1 basis-64 py-1">
        <summary>
          {plural(data.packs.length, "pack")} in the inbox
          <span className="text-dim">
            {data.nightly && `, to be taken in at ${data.nightly}, or now`}
            {data.left_alone.length > 0 && `; ${plural(data.left_alone.length, "other file")} left alone`}
          </span>
        </summary>
        <ul className="mt-1 max-h-48 overflow-y-auto text-dim">
          {data.packs.map((pack) => (
            <li key={pack.source} className="name">
              <bdi className="text-text">{pack.source}</bdi> · {pack.kind}
              {!pack.complete && " · changed a moment ago"}
            </li>
          ))}
          {data.left_alone.map((name) => (
            <li key={name} className="name">
              <bdi>{name}</bdi> · neither archive, folder nor audio
            </li>
          ))}
        </ul>
      </details>
      {ingesting ? (
        <p role="status" className="min-w-0 break-words py-1 text-accent">
          <bdi>{data.doing === null ? "Another run takes in packs" : `The ingestion ${said(data.doing)}`}</bdi>
        </p>
      ) : (
        may &&
        data.packs.length > 0 && (
          <Button main disabled={takeIn.isPending} onClick={() => takeIn.mutate()}>
            <PackageOpen size={15} aria-hidden />
            Take in {plural(data.packs.length, "pack")} now
          </Button>
        )
      )}
      {data.error !== null && !ingesting && (
        <p role="alert" className="basis-full break-words text-bad">
          The last run broke off: {data.error}
        </p>
      )}
    </section>
  );
}

/** As a predicate: `taking kit.zip` becomes `is taking kit.zip`. */
function said(doing: string): string {
  return doing.startsWith("taking ") ? `is ${doing}` : doing;
}
