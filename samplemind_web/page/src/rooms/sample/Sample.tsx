/** One sample in a view of its own: its form on the waveform, and everything that is known of it. */
import { ArrowLeft, Download, Play, Star } from "lucide-react";
import { useEffect } from "react";
import { Link, useLocation, useParams } from "wouter";
import { useKeys } from "@/frame/keys";
import { Button } from "@/parts/Button";
import { Failed, SkeletonRows } from "@/parts/States";
import { play, prefetch } from "@/player/player";
import { soundUrl } from "@/player/sounds";
import { lastLibrary } from "../library/last";
import { mark } from "../library/marks";
import { type Facts, useFacts } from "./facts";
import { Candidates, Marks, Measures, Neighbours, Places, Stated, Summary } from "./sections";
import { WaveView } from "./WaveView";

export default function Sample() {
  const { id = "" } = useParams<{ id: string }>();
  const { data: facts, error, errorUpdatedAt, refetch } = useFacts(id);
  if (error && !facts) {
    return <Failed what="The sample" error={error} since={errorUpdatedAt} onRetry={() => void refetch()} />;
  }
  return facts ? <View facts={facts} /> : <SkeletonRows rows={8} height={48} />;
}

function View({ facts }: { facts: Facts }) {
  const [, go] = useLocation();
  const name = facts.name;
  const id = facts.file_id;
  useEffect(() => {
    document.title = `${name} · SampleMind`;
  }, [name]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the sound is that of the id
  useEffect(() => prefetch([facts]), [id]);
  useKeys("Sample", [
    { key: "Enter", says: "Play it from its beginning", act: () => play(facts) },
    { key: "f", says: "Favourite, or none any more", act: () => void mark([id], { favourite: !facts.favourite }) },
    { key: "s", says: "What sounds similar", act: () => go(`/?similar=${id}`) },
    { key: "m", says: "What matches it", act: () => go(`/?match=${id}`) },
    { key: "Backspace", says: "Back", act: () => history.back() },
  ]);
  return (
    <div tabIndex={0} role="region" aria-label="Sample" className="h-full overflow-y-auto px-5 py-4">
      <header className="mb-3 flex flex-wrap items-center gap-2">
        <div className="flex min-w-0 flex-1 items-center gap-2 max-sm:basis-full">
          <Link
            href={lastLibrary()}
            aria-label="To the library"
            className="soft inline-flex size-7 shrink-0 items-center justify-center rounded-md text-dim hover:bg-hover"
          >
            <ArrowLeft size={16} aria-hidden />
          </Link>
          <h1 className="name min-w-0 font-semibold text-[17px]" title={name}>
            <bdi>{name}</bdi>
          </h1>
        </div>
        <Button main onClick={() => play(facts)}>
          <Play size={14} aria-hidden fill="currentColor" /> Play
        </Button>
        <Button pressed={facts.favourite} onClick={() => void mark([id], { favourite: !facts.favourite })}>
          <Star size={14} aria-hidden fill={facts.favourite ? "currentColor" : "none"} /> Favourite
        </Button>
        <Button onClick={() => go(`/?similar=${id}`)}>Similar</Button>
        <Button onClick={() => go(`/?match=${id}`)}>Match</Button>
        <a
          href={soundUrl(id, "?download=true")}
          download
          className="soft inline-flex h-7 items-center gap-1.5 rounded-md border border-edge px-2 text-list hover:bg-hover"
        >
          <Download size={14} aria-hidden /> Download
        </a>
      </header>
      <h2 className="sr-only">What is known of it</h2>
      <WaveView facts={facts} height={140} tall />
      <div className="mt-5 gap-8 [column-width:300px]">
        <Measures facts={facts} />
        <Candidates facts={facts} />
        <Summary facts={facts} />
        <Stated facts={facts} />
        <Marks facts={facts} />
        <Neighbours key={id} facts={facts} />
        <Places facts={facts} />
      </div>
    </div>
  );
}
