/** The rooms of the page: their addresses, their places in the rail, and the keys that lead to them. */
import { AudioLines, type LucideIcon } from "lucide-react";
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
];
