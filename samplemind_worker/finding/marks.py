"""Sets tags and favourites, and has the library entries follow at once.

A tag is one whatever its case and space (`tag_key`). The favourites of a user are a collection that always exists.
"""

import asyncio
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import entry, terms
from samplemind_worker.store import entry_search, marks, mongo
from samplemind_worker.store.marks import Change
from samplemind_worker.text import clean

MOST_IDS: Final = 5000
"""Contents of one change."""
MOST_TAGS: Final = 40
"""Tags of a content."""
LONGEST_TAG: Final = 60
"""Characters of a tag."""

_VISIBLE: Final = "LNPS"
"""Categories of characters that are seen: letters, numbers, punctuation, symbols."""


def tag_key(tag: str) -> str:
    """Return what is equal for two tags that are the same."""
    return terms.fold_name(tag)


def clean_tag(tag: str) -> str:
    """Return a tag without needless space.

    Raises
    ------
    UsageError
        If it is empty, too long, or holds invisible characters.
    """
    return clean_name(tag, "a tag", longest=LONGEST_TAG)


def clean_name(text: str, what: str, *, longest: int) -> str:
    """Return a name without needless space; ``what`` says in an error what it names.

    Raises
    ------
    UsageError
        If it is empty, too long, or holds invisible characters.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if clean(name) != name:
        raise UsageError(f"{what} holds a character that cannot be seen: {clean(name[:longest])}")
    if not any(unicodedata.category(letter)[0] in _VISIBLE for letter in name):
        raise UsageError(f"{what} is empty")
    if len(name) > longest:
        raise UsageError(f"{what} has more than {longest} characters: {name[:longest]}…")
    return name


@dataclass(frozen=True, slots=True)
class Changed:
    """The result of a change of marks."""

    changed: int
    """Contents whose marks were others before."""
    missing: list[str]
    """Ids of contents that the record does not have."""


@mongo.synchronous
async def change(
    file_ids: Sequence[str],
    *,
    user_id: str,
    favourite: bool | None = None,
    add_tags: Iterable[str] = (),
    remove_tags: Iterable[str] = (),
) -> Changed:
    """Set the marks of contents for a user; what is marked like this already stays as it is.

    Raises
    ------
    UsageError
        If a tag is none, is to be both added and removed, or a content would have too many; nothing is changed then.
    """
    added = {tag_key(name): name for name in map(clean_tag, reversed(list(add_tags)))}
    removed = frozenset(tag_key(clean_tag(tag)) for tag in remove_tags)
    if both := added.keys() & removed:
        raise UsageError(f"the tag {added[min(both)]} cannot be both added and removed")
    mine = frozenset({favourites_of(user_id)})
    none = frozenset[str]()
    return await apply(
        file_ids,
        Change(
            # A tag is written as it was the first time.
            add_tags={**added, **await marks.tag_names.aio(list(added))},
            remove_tags=removed,
            join=mine if favourite is True else none,
            leave=mine if favourite is False else none,
        ),
    )


async def apply(file_ids: Sequence[str], wanted: Change) -> Changed:
    """Change the marks of contents, and make their entries anew.

    Raises
    ------
    UsageError
        If a content would have too many tags; nothing is changed then.
    """
    ids = list(dict.fromkeys(file_ids))
    known = await marks.known.aio(ids)
    present = await marks.of.aio(ids)
    if wanted.add_tags:
        full = sum(
            len(wanted.add_tags.keys() | marks.tag_keys(present.get(each)) - wanted.remove_tags) > MOST_TAGS
            for each in known
        )
        if full:
            raise UsageError(f"{full} of these samples would have more than {MOST_TAGS} tags")
    changed = [each for each in ids if each in known and wanted.alters(present.get(each))]
    if changed:
        await marks.write.aio(changed, wanted)
        # In a thread, as entries are made by arithmetic. If this process dies before, the workers make them.
        await asyncio.to_thread(entry.refresh, changed)
    return Changed(len(changed), [each for each in ids if each not in known])


@mongo.synchronous
async def tag_counts(*, limit: int, roots: Collection[str] | None = None) -> list[tuple[str, int]]:
    """Return the tags that most contents have, each with their number; those of contents in some roots, or of all."""
    if roots is None:
        return await marks.tag_counts.aio(limit=limit)
    counts: dict[str, tuple[str, int]] = {}
    for name, contents in sorted((await entry_search.tag_counts.aio(terms.seen_values(roots))).items()):
        first, others = counts.get(tag_key(name), (name, 0))
        counts[tag_key(name)] = first, others + contents
    return sorted(counts.values(), key=lambda each: (-each[1], each[0]))[:limit]
