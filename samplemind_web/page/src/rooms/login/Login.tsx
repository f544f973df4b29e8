/** The login. It says why it is shown, and leads back to where one was. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Problem } from "@/api/client";
import { useLogin } from "@/api/login";
import { Button } from "@/parts/Button";
import { logIn } from "./session";

export function Login() {
  const expired = useLogin((state) => state.expired);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // There is nothing else on this page.
    first.current?.focus();
    document.title = "Log in · SampleMind";
  }, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(name, password);
    } catch (failure) {
      setError(inWords(failure));
      setPassword("");
      setBusy(false);
    }
  };
  return (
    <main className="flex h-full items-center justify-center overflow-y-auto p-4">
      <form className="flex w-full max-w-80 flex-col gap-4" onSubmit={submit} aria-labelledby="login">
        <h1 id="login" className="font-semibold text-[20px]">
          SampleMind
        </h1>
        <p className="text-dim">
          {expired
            ? "Your session has ended. Log in, and go on where you were."
            : "Log in to see and hear the library."}
        </p>
        <label className="flex flex-col gap-1 text-list">
          Name
          <input
            required
            ref={first}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            className="h-9 rounded-md border border-edge bg-surface px-2 text-base"
          />
        </label>
        <label className="flex flex-col gap-1 text-list">
          Password
          <input
            required
            type="password"
            name="password"
            autoComplete="current-password"
            maxLength={1024}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            className="h-9 rounded-md border border-edge bg-surface px-2 text-base"
          />
        </label>
        {error !== null && (
          <p role="alert" className="text-bad text-list">
            {error}
          </p>
        )}
        <Button main type="submit" disabled={busy} className="h-9">
          {busy ? "Checking" : "Log in"}
        </Button>
        <p className="text-dim text-list">
          Users are added with the command <code>samplemind user add</code>, which asks for a password. Whoever has
          forgotten theirs gets a new one by <code>samplemind user password</code>.
        </p>
      </form>
    </main>
  );
}

function inWords(error: unknown): string {
  if (!(error instanceof Problem)) return String(error);
  if (error.status === 401) return "There is no user with this name and password.";
  if (error.status === 429) {
    return error.retryAfter === null
      ? "There were too many attempts. Wait a minute."
      : `There were too many attempts. Try again in ${error.retryAfter} s.`;
  }
  if (error.passing) return "The server cannot check logins at this moment. Try again in a few seconds.";
  return error.message;
}
