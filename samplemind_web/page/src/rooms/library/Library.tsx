/** The library: search, list and hear. */
import { Empty } from "@/parts/States";

export default function Library() {
  return <Empty title="The library">It is built here.</Empty>;
}
