/** Who is logged in. */
import { useQuery } from "@tanstack/react-query";
import { api, Problem, type Schemas, taken } from "@/api/client";
import { useLogin } from "@/api/login";
import { queryClient } from "@/api/queries";

export type Me = Schemas["Me"];

/** Tells other tabs of this browser, which share the session's cookie, that somebody has logged in or out. */
const tabs = new BroadcastChannel("samplemind-login");
tabs.onmessage = () => void queryClient.invalidateQueries({ queryKey: ["me"] });

/** Return who asks; null if a login is needed. */
export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: async (): Promise<Me | null> => {
      const before = queryClient.getQueryData<Me | null>(["me"]);
      try {
        const me = remember(await taken(api.GET("/api/v1/me")));
        if (before !== undefined && before?.user_id !== me.user_id) forgetAllBut("me");
        return me;
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: 5 * 60_000,
  });
}

/** Return whether the user may do something: what they may not is not offered. The server decides in any case. */
export function useMay(scope: Me["scopes"][number]): boolean {
  return useMe().data?.scopes.includes(scope) ?? true;
}

/** Begin a session; throws the `Problem` that the server states. */
export async function logIn(name: string, password: string): Promise<void> {
  const before = queryClient.getQueryData<Me | null>(["me"]);
  const me = await taken(api.POST("/api/v1/auth/login", { body: { name, password } }));
  // What another user saw is not for this one.
  if (before?.user_id !== me.user_id) forgetAllBut("me");
  queryClient.setQueryData(["me"], remember(me));
  tabs.postMessage("in");
}

/** End the session. */
export async function logOut(): Promise<void> {
  await taken(api.POST("/api/v1/auth/logout"));
  useLogin.setState({ token: null, expired: false });
  queryClient.setQueryData(["me"], null);
  forgetAllBut("me");
  tabs.postMessage("out");
}

function forgetAllBut(kept: string): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== kept });
}

function remember(me: Me): Me {
  useLogin.setState({ token: me.csrf_token, expired: false });
  return me;
}
