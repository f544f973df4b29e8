import { expect, it } from "vitest";
import { active, chipText, filtersIn } from "./filters";

it("takes filters out of a text and leaves the words", () => {
  expect(filtersIn("dark bpm:118..124 kick")).toEqual({ rest: "dark kick", found: { bpm: "118..124" } });
  expect(filtersIn('key:"A minor" fav:yes')).toEqual({ rest: "", found: { key: "A minor", favourite: "true" } });
});

it("leaves what is no filter", () => {
  expect(filtersIn("http://x foo:bar -kick")).toEqual({ rest: "http://x foo:bar -kick", found: {} });
});

it("reads the chips of an address in the order of the list", () => {
  const chips = active(new URLSearchParams("key=Am&bpm=118..124&favourite=true&q=dark"));
  expect(chips.map(chipText)).toEqual(["118..124 BPM", "Am", "favourites"]);
});
