/** Packs and nights: what was taken in, what was refused and why, and where new packs are dropped. */
import { Link, useParams } from "wouter";
import { useAddress } from "@/frame/address";
import { useMay } from "@/rooms/login/session";
import { NightReport } from "./NightReport";
import { Nights } from "./Nights";
import { PackDetail } from "./PackDetail";
import { PackList } from "./PackList";
import { Dropping, Uploads } from "./Uploads";
import { Waiting } from "./Waiting";

export default function Packs() {
  const { run } = useParams<{ run?: string }>();
  const may = useMay("submit");
  const [params] = useAddress();
  const nights = run !== undefined || params.get("view") === "nights";
  const pack = params.get("pack");
  return (
    <Dropping allowed={may}>
      <div className="flex h-full min-h-0 flex-col">
        <header className="flex h-12 shrink-0 items-center gap-4 border-line border-b px-3">
          <h1 className="font-semibold">Packs and nights</h1>
          <nav aria-label="Lists" className="flex gap-1 text-list">
            <Tab href="/packs" here={!nights} label="Packs" />
            <Tab href="/packs?view=nights" here={nights} label="Reports" />
          </nav>
        </header>
        {may && <Uploads />}
        <Waiting may={may} />
        <div className="min-h-0 flex-1">
          {run !== undefined ? (
            <NightReport run={run} />
          ) : nights ? (
            <Nights />
          ) : pack ? (
            <PackDetail id={pack} />
          ) : (
            <PackList />
          )}
        </div>
      </div>
    </Dropping>
  );
}

function Tab({ href, here, label }: { href: string; here: boolean; label: string }) {
  return (
    <Link
      href={href}
      aria-current={here ? "page" : undefined}
      className={`soft rounded-md px-2 py-1 ${here ? "bg-raised" : "text-dim hover:bg-hover hover:text-text"}`}
    >
      {label}
    </Link>
  );
}
