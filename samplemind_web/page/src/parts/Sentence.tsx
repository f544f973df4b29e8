/** A sentence of the server: what it has between backticks is a command or a name. */

export function Sentence({ children }: { children: string }) {
  return children.split("`").map((part, at) =>
    at % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts have no other identity.
      <code key={at} className="rounded border border-line px-1">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
