/** What is known of one sample, in the side panel. */
import { Maximize2, Play, Star, X } from "lucide-react";
import { Link } from "wouter";
import { Button } from "@/parts/Button";
import { Failed } from "@/parts/States";
import { play } from "@/player/player";
import { mark } from "../library/marks";
import { useFacts } from "./facts";
import { Candidates, Marks, Measures, Neighbours, Places, Stated, Summary } from "./sections";
import { WaveView } from "./WaveView";

/** The panel of the sample with this id. */
export default function SamplePanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { data: facts, error, errorUpdatedAt, refetch } = useFacts(id);
  return (
    <>
      <header className="flex items-center gap-1 border-line border-b px-3 py-2">
        <h2 className="name mr-auto font-medium text-list" title={facts ? facts.name : undefined}>
          <bdi>{facts ? facts.name : "Sample"}</bdi>
        </h2>
        {facts && (
          <>
            <Button quiet label="Play" onClick={() => play(facts)}>
              <Play size={15} aria-hidden />
            </Button>
            <Button
              quiet
              pressed={facts.favourite}
              label="Favourite"
              onClick={() => void mark([id], { favourite: !facts.favourite })}
            >
              <Star size={15} aria-hidden fill={facts.favourite ? "currentColor" : "none"} />
            </Button>
            <Link
              href={`/sample/${id}`}
              aria-label="Open the sample (Enter)"
              title="Open the sample (Enter)"
              className="soft inline-flex size-7 items-center justify-center rounded-md text-dim hover:bg-hover hover:text-text"
            >
              <Maximize2 size={14} aria-hidden />
            </Link>
          </>
        )}
        <Button quiet label="Close the panel (i)" onClick={onClose}>
          <X size={16} aria-hidden />
        </Button>
      </header>
      <div
        tabIndex={0}
        role="region"
        aria-label="What is known of the sample"
        className="min-h-0 flex-1 overflow-y-auto p-3"
      >
        {error && !facts ? (
          <Failed what="The sample" error={error} since={errorUpdatedAt} onRetry={() => void refetch()} />
        ) : facts ? (
          <>
            <div className="mb-4">
              <WaveView facts={facts} height={72} />
            </div>
            <Measures facts={facts} />
            <Candidates facts={facts} />
            <Marks facts={facts} />
            <Summary facts={facts} />
            <Stated facts={facts} />
            <Neighbours key={id} facts={facts} />
            <Places facts={facts} />
          </>
        ) : (
          <div role="status" aria-label="Loading">
            <div className="skeleton mb-4 h-[72px]" />
            {Array.from({ length: 8 }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
              <div key={index} className="skeleton my-2 h-3" />
            ))}
          </div>
        )}
      </div>
    </>
  );
}
