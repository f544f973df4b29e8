/** The roots whose files a user may see, and the form in which an admin chooses them. */
import { useQuery } from "@tanstack/react-query";
import { Popover } from "radix-ui";
import { useState } from "react";
import { api, type Schemas, taken } from "@/api/client";
import { Button } from "@/parts/Button";

interface Props {
  user: Schemas["UserRow"];
  onChange: (roots: string[] | null) => void;
}

export function Roots({ user, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const text = user.roots === null ? "all" : user.roots.length === 0 ? "none" : user.roots.join(", ");
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <Button quiet>
          <bdi className="name max-w-48">{text}</bdi>
          <span className="sr-only"> are the roots of {user.name}: change them</span>
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          sideOffset={6}
          align="start"
          aria-label={`Roots of ${user.name}`}
          className="z-30 w-72 rounded-md border border-edge bg-raised p-3 text-list"
        >
          <Choice
            user={user}
            onChange={(roots) => {
              setOpen(false);
              onChange(roots);
            }}
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Choice({ user, onChange }: Props) {
  const { data } = useQuery({ queryKey: ["roots"], queryFn: () => taken(api.GET("/api/v1/roots")) });
  const [all, setAll] = useState(user.roots === null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(user.roots ?? []));
  // One that is granted stays in the list if the server does not name it any more.
  const names = [...new Set([...(data?.items.map(({ name }) => name) ?? []), ...(user.roots ?? [])])].sort();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onChange(all ? null : [...chosen].sort());
      }}
    >
      <p className="mb-2 text-dim">A change ends the sessions of {user.name} at once.</p>
      <label className="flex items-center gap-2 py-1">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />
        All roots, those to come included
      </label>
      <ul className="max-h-48 overflow-y-auto">
        {names.map((name) => (
          <li key={name}>
            <label className="flex items-center gap-2 py-1">
              <input
                type="checkbox"
                disabled={all}
                checked={all || chosen.has(name)}
                onChange={(event) => {
                  const next = new Set(chosen);
                  if (event.target.checked) next.add(name);
                  else next.delete(name);
                  setChosen(next);
                }}
              />
              <bdi className="name">{name}</bdi>
            </label>
          </li>
        ))}
      </ul>
      <Button main type="submit" className="mt-2">
        Set
      </Button>
    </form>
  );
}
