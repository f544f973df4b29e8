/** The line that moves over the waveform of what plays. It is moved without React: it changes with every frame. */
import { useEffect, useRef } from "react";
import { position, usePlayer } from "@/player/player";

const ENDED = 0.998;

/** The line. `top` and `left` are those of the waveform in what is scrolled. */
export function Playhead({ top, left, width, height }: { top: number; left: number; width: number; height: number }) {
  const line = useRef<HTMLDivElement>(null);
  const playing = usePlayer((state) => state.playing);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      const at = position();
      if (line.current) {
        line.current.style.transform = `translate(${left + at * width}px, ${top}px)`;
        line.current.hidden = !playing && (at === 0 || at > ENDED);
      }
      if (playing) frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [playing, top, left, width]);
  return (
    <div
      ref={line}
      aria-hidden
      className="pointer-events-none absolute top-0 left-0 w-0.5 bg-accent"
      style={{ height }}
    />
  );
}
