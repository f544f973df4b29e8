/** What the API says of one sample: the object of `show --json` (docs/contract.md), and what people have set on it. */
import { useQuery } from "@tanstack/react-query";
import { api, taken } from "@/api/client";

export interface Facts {
  file_id: string;
  filename: string;
  path: string | null;
  name?: string;
  folder?: string;
  file_size: number | null;
  duration: number | null;
  sample_rate: number | null;
  channels: number | null;
  format: string | null;
  subtype: string | null;
  kind: string | null;
  kind_confidence: number | null;
  kind_audio?: string | null;
  tempo: number | null;
  tempo_confidence: number | null;
  tempo_audio?: number | null;
  tempo_candidates: { tempo: number; score: number }[] | null;
  time_signature: [number, number] | null;
  beats: number[] | null;
  key: string | null;
  mode: string | null;
  key_confidence: number | null;
  key_audio?: string | null;
  mode_audio?: string | null;
  key_candidates: { key: string; mode: string; score: number }[] | null;
  camelot: string | null;
  chord: { name: string; confidence: number } | null;
  chords: { start: number; end: number; name: string; confidence: number; numeral: string | null }[] | null;
  tuning_cents: number | null;
  pitch_note: string | null;
  pitch_cents: number | null;
  pitch_confidence: number | null;
  instrument: string | null;
  instrument_confidence: number | null;
  instrument_audio?: string | null;
  sections: { start: number; end: number; label: string; kind: string | null; energy: number }[] | null;
  loop_points: { start: number; end: number; bars: number; score: number }[] | null;
  slices: { time: number; strength: number }[] | null;
  rhythm: { swing: number | null; swing_unit: number; density: number; feel: string; backbeat: string | null } | null;
  loudness_lufs: number | null;
  true_peak_dbtp: number | null;
  tags: string[] | null;
  user_tags: string[];
  favourite: boolean;
  collections: { id: string; name: string }[];
  provenance: Record<string, string> | null;
  stated:
    | { about: string; value: unknown; mode: string | null; source: string; text: string; believed: boolean }[]
    | null;
  descriptors?: string[] | null;
  warnings: string[] | null;
  ai_state?: string | null;
  ai_provider?: string | null;
  ai_model?: string | null;
  ai_summary?: string | null;
  production_tips?: string[] | string | null;
  creative_ideas?: string[] | string | null;
  fl_studio_recommendations?: string[] | string | null;
  places: unknown[] | null;
  gone_at?: string | null;
  analyzed_at?: string | null;
}

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

/** The name of a file at the end of a path. */
export function nameOf(facts: Facts): string {
  return facts.name ?? facts.path?.split("/").at(-1) ?? facts.filename;
}

/** The texts of a list, or of a single text. */
export function texts(value: string[] | string | null | undefined): string[] {
  if (!value) return [];
  return Array.isArray(value) ? value : [value];
}
