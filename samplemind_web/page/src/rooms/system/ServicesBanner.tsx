/** Says which service does not answer, since when, and what works without it. It goes away by itself. */
import { useEffect, useState } from "react";
import { useConnection } from "@/api/events";
import { timeOfDay } from "@/parts/format";
import { type SystemReport, useSystem } from "./queries";

type Service = keyof SystemReport["services"];

const SAID: Readonly<Record<string, string>> = {
  mongodb:
    "The record (MongoDB) does not answer. What is on the screen stays, and sounds that were loaded play; search, tags and batches go on once it is back.",
  redis:
    "The queue (Redis) does not answer. Search and listening work; batches stand still, and nobody can log in until it is back.",
  chroma:
    "The index of sounds (Chroma) does not answer. Search and listening work; what sounds alike cannot be found, and batches wait with their last step.",
};

/** One line per service that is down. */
export function ServicesBanner() {
  const { data } = useSystem();
  // What a server said of its services before it went away says nothing now.
  const unheard = useConnection(({ downSince }) => downSince !== null);
  const [since, setSince] = useState<Readonly<Record<string, number>>>({});
  const down = Object.entries(data?.services ?? {}).flatMap(([name, answers]) => (answers ? [] : [name as Service]));
  const key = down.join();
  useEffect(() => {
    const names = key === "" ? [] : key.split(",");
    setSince((before) => Object.fromEntries(names.map((name) => [name, before[name] ?? Date.now()])));
  }, [key]);
  if (down.length === 0 || unheard) return null;
  return (
    <div role="alert" className="border-warn border-b bg-raised px-3 py-1.5 text-list">
      {down.map((name) => (
        <p key={name}>
          {SAID[name] ?? `${name} does not answer.`}
          {since[name] !== undefined && ` Noticed at ${timeOfDay(since[name])}.`}
        </p>
      ))}
    </div>
  );
}
