/** The buttons of the page. */
import { clsx } from "clsx";
import type { ButtonHTMLAttributes, ReactNode } from "react";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  children: ReactNode;
  /** What it does, where an icon alone is shown. */
  label?: string;
  /** No border: for bars of tools. */
  quiet?: boolean;
  /** The one thing to do here. */
  main?: boolean;
  /** Whether it is switched on; makes it a switch. */
  pressed?: boolean;
}

/** A button: with a border, quiet, or the main one. */
export function Button({ children, label, quiet, main, pressed, className, ...rest }: Props) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      className={clsx(
        "soft inline-flex h-7 min-w-7 shrink-0 items-center justify-center gap-1.5 rounded-md px-2 text-list disabled:cursor-default disabled:opacity-50",
        main && "bg-accent font-medium text-on-accent hover:opacity-90",
        !main && !quiet && "border border-edge hover:bg-hover",
        !main && quiet && !pressed && "text-dim hover:bg-hover hover:text-text",
        pressed && "bg-chosen text-accent",
        className,
      )}
      {...rest}
    >
      {children}
    </button>
  );
}
