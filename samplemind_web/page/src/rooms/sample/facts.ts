/** What the API says of one sample: the object of `show --json` (docs/contract.md), and what people have set on it. */
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, taken } from "@/api/client";

export type Facts = Schemas["Sample"];

/** Ask for the facts of a sample. */
export function useFacts(id: string) {
  return useQuery({
    queryKey: ["sample", id],
    queryFn: ({ signal }) =>
      taken(
        api.GET("/api/v1/samples/{file_id}", { params: { path: { file_id: id } }, signal }),
      ) as Promise<unknown> as Promise<Facts>,
  });
}
