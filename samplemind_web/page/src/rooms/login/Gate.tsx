/** Shows the page to whoever is logged in, and the login to everybody else. The address stays, and so does the place. */
import type { ReactNode } from "react";
import { useLogin } from "@/api/login";
import { Failed } from "@/parts/States";
import { Login } from "./Login";
import { useMe } from "./session";

export function Gate({ children }: { children: ReactNode }) {
  const me = useMe();
  const expired = useLogin((state) => state.expired);
  if (me.data === null || expired) return <Login />;
  if (me.data !== undefined) return children;
  if (me.isError) {
    return (
      <main className="h-full">
        <Failed error={me.error} what="The page" since={me.errorUpdatedAt} onRetry={me.refetch} />
      </main>
    );
  }
  // The answer takes some milliseconds: words would only flash.
  return <main className="h-full" aria-busy="true" />;
}
