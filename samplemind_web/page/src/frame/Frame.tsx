/** The frame around every room: rail, room, side panel and player. */
import { Moon, Sun } from "lucide-react";
import { Suspense, useEffect } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { Dock } from "@/player/Dock";
import { ROOMS, type Room, VIEWS } from "@/rooms";
import { ServicesBanner } from "@/rooms/system/ServicesBanner";
import { Announcer } from "./Announcer";
import { ConnectionBanner } from "./ConnectionBanner";
import { KeyList, useKeyList } from "./KeyList";
import { type Key, useKeys } from "./keys";
import { RoomBoundary } from "./RoomBoundary";
import { SidePanel } from "./SidePanel";
import { useTheme } from "./theme";

/** The page. */
export function Frame() {
  const [, go] = useLocation();
  const { toggle } = useKeyList();
  useKeys("Everywhere", [
    { key: "?", says: "List all keys", act: toggle },
    ...ROOMS.map((room): Key => ({ key: `g ${room.letter}`, says: `Go to ${room.name}`, act: () => go(room.path) })),
  ]);
  return (
    <div className="grid h-full grid-cols-[56px_minmax(0,1fr)] max-sm:grid-cols-1 max-sm:grid-rows-[minmax(0,1fr)_auto]">
      <a
        href="#room"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2"
      >
        Skip to the room
      </a>
      <Rail />
      <div className="flex min-h-0 min-w-0 max-sm:order-1">
        <div className="flex min-w-0 flex-1 flex-col">
          <ConnectionBanner />
          <ServicesBanner />
          <div className="relative min-h-0 flex-1">
            <main id="room" tabIndex={-1} className="h-full outline-none">
              <Suspense fallback={<p className="p-4 text-dim">Loading this part of the page.</p>}>
                <Switch>
                  {[...ROOMS, ...VIEWS].flatMap((room) =>
                    room.patterns.map((pattern) => (
                      <Route key={pattern} path={pattern}>
                        <RoomView room={room} />
                      </Route>
                    )),
                  )}
                  <Route>
                    <div className="p-6">
                      <h1 className="text-lg font-semibold">There is nothing at this address</h1>
                      <p className="mt-1 text-dim">
                        Go to the{" "}
                        <Link href="/" className="text-accent underline">
                          library
                        </Link>
                        .
                      </p>
                    </div>
                  </Route>
                </Switch>
              </Suspense>
            </main>
            <SidePanel as="sheet" />
          </div>
          <Dock />
        </div>
        <SidePanel as="beside" />
      </div>
      <KeyList />
      <Announcer />
    </div>
  );
}

function RoomView({ room }: { room: Pick<Room, "name" | "View"> }) {
  useEffect(() => {
    document.title = `${room.name} · SampleMind`;
  }, [room]);
  return (
    <RoomBoundary key={room.name}>
      <room.View />
    </RoomBoundary>
  );
}

function Rail() {
  const [location] = useLocation();
  const { theme, turn } = useTheme();
  return (
    <nav
      aria-label="Rooms"
      className="flex flex-col items-stretch gap-1 border-line border-r bg-surface py-2 max-sm:order-2 max-sm:flex-row max-sm:border-t max-sm:border-r-0 max-sm:py-0 max-sm:pb-[env(safe-area-inset-bottom)]"
    >
      {ROOMS.map((room) => {
        const here = room.path === "/" ? location === "/" : location.startsWith(room.path);
        return (
          <Link
            key={room.path}
            href={room.path}
            aria-current={here ? "page" : undefined}
            title={`${room.name} (g ${room.letter})`}
            className={`soft mx-1 flex h-12 flex-col items-center justify-center gap-0.5 rounded-md text-[11px] leading-4 max-sm:mx-0 max-sm:flex-1 ${
              here ? "bg-raised text-text" : "text-dim hover:bg-hover hover:text-text"
            }`}
          >
            <room.icon size={18} aria-hidden strokeWidth={here ? 2.25 : 1.75} />
            {room.name}
          </Link>
        );
      })}
      <button
        type="button"
        onClick={turn}
        title={theme === "dark" ? "Switch to light" : "Switch to dark"}
        aria-label={theme === "dark" ? "Switch to light" : "Switch to dark"}
        className="soft mx-1 mt-auto flex h-12 items-center justify-center rounded-md text-dim hover:bg-hover hover:text-text max-sm:mt-0 max-sm:w-12"
      >
        {theme === "dark" ? <Sun size={18} aria-hidden /> : <Moon size={18} aria-hidden />}
      </button>
    </nav>
  );
}
