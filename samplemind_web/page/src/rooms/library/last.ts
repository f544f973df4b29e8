/** Where somebody was in the library last, so that the way back from a sample leads to the same list. */

let address = "/";

/** The address of the library as it was left. */
export function lastLibrary(): string {
  return address;
}

/** Remember the parameters that are shown now. */
export function rememberLibrary(params: URLSearchParams): void {
  const text = params.toString();
  address = text ? `/?${text}` : "/";
}
