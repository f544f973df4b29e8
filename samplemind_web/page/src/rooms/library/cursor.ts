/** The current sample: where the arrow keys are. The address follows it when it rests, because browsers limit changes. */
import { useEffect, useRef } from "react";
import { create } from "zustand";
import { useAddress } from "@/frame/address";

const RESTS_MS = 150;

export const useCursor = create<{ id: string | null }>(() => ({ id: null }));

/** Keep the address and the cursor at the same sample; returns how to move the cursor. */
export function useCursorInAddress(): (id: string) => void {
  const [params, change] = useAddress();
  const given = params.get("sample");
  const latest = useRef(change);
  latest.current = change;
  const timer = useRef(0);
  useEffect(() => {
    if (!timer.current) useCursor.setState({ id: given });
  }, [given]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (id) => {
    useCursor.setState({ id });
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      latest.current({ sample: id }, { replace: true });
    }, RESTS_MS);
  };
}
