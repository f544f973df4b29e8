/** The users and what they did, for admins. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Schemas, taken } from "@/api/client";
import { after, usePages } from "@/api/pages";
import { announce } from "@/frame/Announcer";
import { Button } from "@/parts/Button";
import { Failed, SkeletonRows } from "@/parts/States";
import { when } from "@/parts/time";
import { useMe } from "@/rooms/login/session";
import { Field } from "./Account";
import { Roots } from "./Roots";
import { Section, Table } from "./System";

type User = Schemas["UserRow"];
type Role = User["role"];
const ROLES: readonly Role[] = ["viewer", "producer", "admin"];

export function Users() {
  const { data: me } = useMe();
  // Without users there is nobody to manage, and no log of them.
  if (me?.by === "local") return null;
  return (
    <>
      <Section title="Users">
        <List mine={me?.user_id ?? ""} />
      </Section>
      <Section title="What users did">
        <Audit />
      </Section>
    </>
  );
}

function List({ mine }: { mine: string }) {
  const client = useQueryClient();
  const users = useQuery({
    queryKey: ["users"],
    queryFn: () => taken(api.GET("/api/v1/users", { params: { query: { limit: 1000 } } })),
  });
  const again = () => client.invalidateQueries({ queryKey: ["users"] });
  const change = useMutation({
    mutationFn: ({ name, body }: { name: string; body: Schemas["UserChange"] }) =>
      taken(api.PATCH("/api/v1/users/{name}", { params: { path: { name } }, body })),
    onSuccess: again,
    onError: (error) => announce(error.message, { bad: true }),
  });
  if (users.isPending) return <SkeletonRows rows={3} height={28} />;
  if (users.isError)
    return <Failed error={users.error} what="The users" since={users.errorUpdatedAt} onRetry={users.refetch} />;
  return (
    <>
      <Table
        name="Accounts"
        heads={["Name", "Role", "Roots", "Since", "State"]}
        rows={users.data.items.map((user) => [
          <bdi key="name">{user.name}</bdi>,
          <select
            key="role"
            aria-label={`Role of ${user.name}`}
            value={user.role}
            disabled={user.name === mine}
            onChange={(event) => change.mutate({ name: user.name, body: { role: event.target.value as Role } })}
            className="h-6 rounded-md border border-edge bg-surface px-1"
          >
            {ROLES.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>,
          user.name === mine ? (
            (user.roots?.join(", ") ?? "all")
          ) : (
            <Roots key="roots" user={user} onChange={(roots) => change.mutate({ name: user.name, body: { roots } })} />
          ),
          when(user.created_at),
          user.name === mine ? (
            "you"
          ) : (
            <Button
              key="state"
              quiet
              onClick={() => change.mutate({ name: user.name, body: { disabled: user.disabled_at === null } })}
            >
              {user.disabled_at === null ? "Disable" : "Disabled; enable"}
              <span className="sr-only"> {user.name}</span>
            </Button>
          ),
        ])}
      />
      <NewUser onAdded={again} />
    </>
  );
}

function NewUser({ onAdded }: { onAdded: () => void }) {
  const [role, setRole] = useState<Role>("producer");
  const add = useMutation({
    mutationFn: (body: { name: string; password: string; role: Role }) => taken(api.POST("/api/v1/users", { body })),
    onSuccess: (user) => {
      announce(`${user.name} can log in now.`);
      onAdded();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    add.mutate(
      { name: String(values.get("name")), password: String(values.get("password")), role },
      { onSuccess: () => form.reset() },
    );
  };
  return (
    <details>
      <summary>Add a user</summary>
      <form className="flex max-w-80 flex-col gap-2 py-2" onSubmit={submit}>
        <label className="flex flex-col gap-1">
          Name
          <input
            required
            name="name"
            maxLength={200}
            autoComplete="off"
            autoCapitalize="none"
            className="h-8 rounded-md border border-edge bg-surface px-2"
          />
        </label>
        <Field label="First password, of 12 characters or more" name="password" autoComplete="new-password" />
        <label className="flex flex-col gap-1">
          Role
          <select
            value={role}
            onChange={(event) => setRole(event.target.value as Role)}
            className="h-8 rounded-md border border-edge bg-surface px-2"
          >
            {ROLES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        {add.isError && (
          <p role="alert" className="text-bad">
            {add.error.message}
          </p>
        )}
        <div>
          <Button type="submit" disabled={add.isPending}>
            Add
          </Button>
        </div>
      </form>
    </details>
  );
}

const fetchAudit = (cursor: string | null) =>
  taken(api.GET("/api/v1/audit", { params: { query: { limit: 50, ...after(cursor) } } }));

function Audit() {
  const audit = usePages(["audit"], fetchAudit);
  if (audit.isPending) return <SkeletonRows rows={4} height={28} />;
  if (audit.data === undefined)
    return <Failed error={audit.error} what="The log" since={audit.errorUpdatedAt} onRetry={audit.refetch} />;
  const list = audit.data.pages.flatMap((page) => page.items);
  if (list.length === 0) return <p className="text-dim">Nothing yet.</p>;
  return (
    <div className="flex max-h-96 flex-col gap-2 overflow-y-auto">
      <Table
        name="Log"
        heads={["When", "Who", "What", "To what"]}
        rows={list.map((row) => [
          when(row.at),
          <bdi key="who">{row.user_id || "nobody"}</bdi>,
          row.action,
          <bdi key="target" title={row.target}>
            {row.target}
          </bdi>,
        ])}
      />
      {audit.hasNextPage && (
        <div>
          <Button disabled={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
            Show older
          </Button>
        </div>
      )}
    </div>
  );
}
