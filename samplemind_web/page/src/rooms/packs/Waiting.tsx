/** What lies in the inbox now, and when it is taken in. */
import { useQuery } from "@tanstack/react-query";
import { api, taken } from "@/api/client";
import { plural } from "@/parts/format";
import { Sentence } from "@/parts/Sentence";

export function Waiting() {
  const { data, error } = useQuery({
    queryKey: ["inbox"],
    queryFn: () => taken(api.GET("/api/v1/inbox")),
    refetchInterval: 10_000,
  });
  if (error && data === undefined) {
    return (
      <p className="border-line border-b px-3 py-2 text-list text-warn">The inbox cannot be listed: {error.message}</p>
    );
  }
  if (data === undefined || data.packs.length + data.left_alone.length === 0) return null;
  return (
    <details className="border-line border-b px-3 py-2 text-list">
      <summary>
        {plural(data.packs.length, "pack")} in the inbox
        <span className="text-dim">
          <Sentence>
            {data.nightly
              ? `, to be taken in at ${data.nightly}, or by \`samplemind ingest\``
              : ", to be taken in by `samplemind ingest`"}
          </Sentence>
          {data.left_alone.length > 0 && `; ${plural(data.left_alone.length, "other file")} left alone`}
        </span>
      </summary>
      <ul className="mt-1 max-h-48 overflow-y-auto text-dim">
        {data.packs.map((pack) => (
          <li key={pack.source} className="name">
            <bdi className="text-text">{pack.source}</bdi> · {pack.kind}
            {!pack.complete && " · changed a moment ago, so the next run leaves it"}
          </li>
        ))}
        {data.left_alone.map((name) => (
          <li key={name} className="name">
            <bdi>{name}</bdi> · neither archive, folder nor audio
          </li>
        ))}
      </ul>
    </details>
  );
}
