/** The rooms of the page: their addresses, their places in the rail, and the keys that lead to them. */
import { Activity, AudioLines, Layers, type LucideIcon, Orbit, Package } from "lucide-react";
import { type ComponentType, lazy } from "react";

export interface Room {
  name: string;
  /** The address; rooms with parts take all below it, as `/batches/:id?`. */
  path: string;
  /** The patterns of wouter that show this room. */
  patterns: readonly string[];
  icon: LucideIcon;
  /** `g`, then this letter, goes there. */
  letter: string;
  /** Loaded when it is first opened. The default export of its module. */
  View: ComponentType;
}

/** Views that are no rooms: they have an address, and no place in the rail. */
export const VIEWS: readonly Pick<Room, "name" | "patterns" | "View">[] = [
  { name: "Sample", patterns: ["/sample/:id"], View: lazy(() => import("./rooms/sample/Sample")) },
];

export const ROOMS: readonly Room[] = [
  {
    name: "Library",
    path: "/",
    patterns: ["/"],
    icon: AudioLines,
    letter: "l",
    View: lazy(() => import("./rooms/library/Library")),
  },
  {
    name: "Map",
    path: "/map",
    patterns: ["/map"],
    icon: Orbit,
    letter: "m",
    View: lazy(() => import("./rooms/map/Map")),
  },
  {
    name: "Batches",
    path: "/batches",
    patterns: ["/batches/:id?"],
    icon: Layers,
    letter: "b",
    View: lazy(() => import("./rooms/batches/Batches")),
  },
  {
    name: "Packs",
    path: "/packs",
    patterns: ["/packs", "/packs/nights/:run"],
    icon: Package,
    letter: "p",
    View: lazy(() => import("./rooms/packs/Packs")),
  },
  {
    name: "System",
    path: "/system",
    patterns: ["/system"],
    icon: Activity,
    letter: "s",
    View: lazy(() => import("./rooms/system/System")),
  },
];
