/** What requests need of a login, and what they find out about it. */
import { create } from "zustand";

interface Login {
  /** What the header `X-CSRF-Token` needs; null where there is no session. */
  readonly token: string | null;
  /** Whether somebody was logged in, and a request was refused since because they are no longer. */
  readonly expired: boolean;
}

export const useLogin = create<Login>(() => ({ token: null, expired: false }));

/** The token of the session, as every request that changes something must send it. */
export function csrfToken(): string | null {
  return useLogin.getState().token;
}

/** Note that a request was refused because nobody is logged in. */
export function noteRefusal(): void {
  if (useLogin.getState().token !== null) useLogin.setState({ token: null, expired: true });
}
