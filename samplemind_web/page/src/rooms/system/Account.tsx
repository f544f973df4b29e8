/** The user: what they may do, their password, their API tokens, and the way out. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, type Schemas, taken } from "@/api/client";
import { announce } from "@/frame/Announcer";
import { Button } from "@/parts/Button";
import { when } from "@/parts/time";
import { logOut, useMe } from "@/rooms/login/session";
import { Table } from "./System";

type Scope = Schemas["Me"]["scopes"][number];

const MEANING: Readonly<Record<Scope, string>> = {
  read: "look and listen",
  write: "set tags, favourites and collections",
  submit: "start batches and upload packs",
  admin: "manage users",
};

const bad = (error: Error) => announce(error.message, { bad: true });

export function Account() {
  const { data: me } = useMe();
  if (!me) return null;
  if (me.by === "local") {
    return (
      <p className="text-dim">
        There are no users: this page is for this computer alone, and nobody has to log in. To open it to others, add an
        admin with <code>samplemind user add NAME --role admin</code>.
      </p>
    );
  }
  return (
    <>
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0">
          <bdi className="font-medium">{me.user_id}</bdi> ({me.role}) may{" "}
          {me.scopes.map((scope) => MEANING[scope]).join(", ")}
          {me.roots ? `; of the roots ${me.roots.join(", ") || "none"}` : ""}.
        </p>
        <Button className="ml-auto" onClick={() => logOut().catch(bad)}>
          <LogOut size={14} aria-hidden />
          Log out
        </Button>
      </div>
      <Password />
      <Tokens mine={me.scopes} />
    </>
  );
}

function Password() {
  const change = useMutation({
    mutationFn: (body: { current: string; new: string }) => taken(api.POST("/api/v1/me/password", { body })),
    onSuccess: () => announce("The password is changed; log in with it."),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    change.mutate({ current: String(form.get("current")), new: String(form.get("new")) });
  };
  return (
    <details>
      <summary>Change the password</summary>
      <form className="flex max-w-80 flex-col gap-2 py-2" onSubmit={submit}>
        <Field label="Password now" name="current" autoComplete="current-password" />
        <Field label="New password, of 12 characters or more" name="new" autoComplete="new-password" />
        {change.isError && (
          <p role="alert" className="text-bad">
            {change.error.message}
          </p>
        )}
        <div>
          <Button type="submit" disabled={change.isPending}>
            Change it, and log out everywhere
          </Button>
        </div>
      </form>
    </details>
  );
}

export function Field({ label, name, autoComplete }: { label: string; name: string; autoComplete: string }) {
  return (
    <label className="flex flex-col gap-1">
      {label}
      <input
        required
        type="password"
        name={name}
        autoComplete={autoComplete}
        maxLength={1024}
        className="h-8 rounded-md border border-edge bg-surface px-2"
      />
    </label>
  );
}

function Tokens({ mine }: { mine: readonly Scope[] }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(["read"]));
  const tokens = useQuery({
    queryKey: ["tokens"],
    queryFn: () => taken(api.GET("/api/v1/me/tokens")),
  });
  const again = () => client.invalidateQueries({ queryKey: ["tokens"] });
  const create = useMutation({
    mutationFn: () =>
      taken(api.POST("/api/v1/me/tokens", { body: { name, scopes: [...scopes], expires_in_days: 365 } })),
    onSuccess: () => {
      setName("");
      return again();
    },
  });
  const remove = useMutation({
    mutationFn: (token_id: string) =>
      taken(api.DELETE("/api/v1/me/tokens/{token_id}", { params: { path: { token_id } } })),
    onSuccess: again,
    onError: bad,
  });
  const list = tokens.data?.items ?? [];
  return (
    <div className="flex flex-col gap-2">
      <h3 className="font-medium">API tokens</h3>
      {tokens.isError && <p className="text-bad">{tokens.error.message}</p>}
      {list.length > 0 && (
        <Table
          name="List of API tokens"
          heads={["Name", "Scopes", "Last used", "Expires", "Delete"]}
          rows={list.map((token) => [
            <bdi key="name">{token.name}</bdi>,
            token.scopes.join(", "),
            token.last_used_at ? when(token.last_used_at) : "never",
            token.expires_at ? when(token.expires_at) : "never",
            <Button
              key="delete"
              quiet
              label={`Delete the token ${token.name}`}
              onClick={() => remove.mutate(token.token_id)}
            >
              <Trash2 size={14} aria-hidden />
            </Button>,
          ])}
        />
      )}
      {create.data && (
        <p role="status" className="rounded-md border border-good px-3 py-2">
          The new token, which is shown this once:
          <code className="mt-1 block select-all break-all">{create.data.token}</code>
        </p>
      )}
      <form
        className="flex flex-wrap items-center gap-x-4 gap-y-2"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <label className="flex items-center gap-2">
          Name
          <input
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.target.value)}
            className="h-7 w-44 rounded-md border border-edge bg-surface px-2"
          />
        </label>
        <fieldset className="flex gap-3">
          <legend className="sr-only">What it may do</legend>
          {mine.map((scope) => (
            <label key={scope} className="flex items-center gap-1.5" title={MEANING[scope]}>
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={scopes.has(scope)}
                onChange={() =>
                  setScopes((before) => {
                    const after = new Set(before);
                    if (!after.delete(scope)) after.add(scope);
                    return after;
                  })
                }
              />
              {scope}
            </label>
          ))}
        </fieldset>
        <Button type="submit" disabled={create.isPending || scopes.size === 0}>
          Make a token
        </Button>
      </form>
      {create.isError && (
        <p role="alert" className="text-bad">
          {create.error.message}
        </p>
      )}
    </div>
  );
}
