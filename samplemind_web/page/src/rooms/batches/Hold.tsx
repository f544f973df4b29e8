/** The button that pauses an open batch, or lets a paused one go on. */
import { Pause, Play } from "lucide-react";
import { announce } from "@/frame/Announcer";
import { Button } from "@/parts/Button";
import { type Batch, pauseBatch, resumeBatch, useBatchAction } from "./queries";

export function Hold({
  batch,
  named = false,
}: {
  batch: Pick<Batch, "batch_id" | "name" | "paused_at">;
  named?: boolean;
}) {
  const pause = useBatchAction(pauseBatch, () => announce("The batch is paused. Files that are in work end."));
  const resume = useBatchAction(resumeBatch, () => announce("The batch goes on."));
  const isPaused = batch.paused_at !== null;
  const hold = isPaused ? resume : pause;
  return (
    // Never disabled, because a button that is would lose the focus.
    <Button main={isPaused} onClick={() => hold.isPending || hold.mutate(batch.batch_id)}>
      {isPaused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
      {isPaused ? "Resume" : "Pause"}
      {named && <span className="sr-only"> {batch.name}</span>}
    </Button>
  );
}
