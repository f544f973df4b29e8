"""What people set themselves: tags, favourites and collections."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from samplemind_web import audit
from samplemind_web.access import Caller, Reader, Writer
from samplemind_web.etags import NOT_MODIFIED, respond
from samplemind_web.idempotency import RESPONSES, OnceDep
from samplemind_web.paging import Page
from samplemind_web.parameters import Body, FileId
from samplemind_web.problems import Problem, ProblemError, not_found
from samplemind_worker.finding import marks, sample_collections
from samplemind_worker.finding.marks import Changed
from samplemind_worker.finding.sample_collections import Collection
from samplemind_worker.store import places

router = APIRouter(tags=["marks"])

CollectionId = Annotated[str, Path(pattern="^([0-9a-f]{24}|favourites)$", description="An id, or `favourites`.")]
_Tag = Annotated[str, Field(max_length=200)]
_Ids = Annotated[list[FileId], Field(max_length=marks.MOST_IDS)]
_Tags = Annotated[list[_Tag], Field(max_length=marks.MOST_TAGS)]
_MOST_LISTED = 1000
_CONFLICT: dict[int | str, dict[str, object]] = {409: {"model": Problem}}


class MarksChange(Body):
    """What is to be changed in the marks of some samples; what is not named stays as it is."""

    ids: Annotated[_Ids, Field(min_length=1)]
    favourite: bool | None = None
    add_tags: _Tags = Field(default_factory=list[str])
    remove_tags: _Tags = Field(default_factory=list[str])


class MarksChanged(BaseModel):
    """The result of a change."""

    changed: int
    """Samples whose marks were others before."""
    missing: list[str]
    """Samples that the library does not have, as far as the caller may know."""


class SampleCollection(BaseModel):
    """A collection of the caller."""

    id: str
    name: str
    samples: int
    built_in: bool
    """Whether it can be neither renamed nor deleted."""
    created_at: datetime | None
    changed_at: datetime | None


class CollectionName(Body):
    """How a collection is named."""

    name: Annotated[str, Field(max_length=500)]


class CollectionChange(Body):
    """Samples that are to be put into a collection, and taken out of it."""

    add: _Ids = Field(default_factory=list[str])
    remove: _Ids = Field(default_factory=list[str])


class TagCount(BaseModel):
    """A tag that people have set, and how many samples have it."""

    tag: str
    samples: int


@router.post("/samples/marks")
async def mark_samples(change: MarksChange, caller: Writer) -> MarksChanged:
    """Set favourites of the caller, and tags of the library, on up to 5,000 samples; it may be repeated."""
    seen = await _seen(change.ids, caller)
    result = _changed(
        await marks.change.aio(
            seen,
            user_id=caller.user_id,
            favourite=change.favourite,
            add_tags=change.add_tags,
            remove_tags=change.remove_tags,
        )
    )
    tags = [*change.add_tags, *(f"-{tag}" for tag in change.remove_tags)]
    await audit.record(caller, "samples.mark", seen[0] if seen else "", samples=len(seen), tags=tags)
    return _with_hidden(result, change.ids, seen)


@router.get("/tags")
async def list_tags(
    caller: Reader, limit: Annotated[int, Query(ge=1, le=_MOST_LISTED)] = _MOST_LISTED
) -> Page[TagCount]:
    """List the tags that people have set, those of the most samples first."""
    found = await marks.tag_counts.aio(limit=limit, roots=caller.roots)
    return Page(items=[TagCount(tag=tag, samples=samples) for tag, samples in found])


@router.get("/collections")
async def list_collections(caller: Reader) -> Page[SampleCollection]:
    """List the caller's favourites and collections."""
    found = [_collection(each) for each in await sample_collections.of_user.aio(caller.user_id)]
    return Page(items=found, total=len(found))


@router.post(
    "/collections",
    status_code=HTTPStatus.CREATED,
    responses={**RESPONSES, **_CONFLICT},
    response_model=SampleCollection,
)
async def create_collection(named: CollectionName, caller: Writer, once: OnceDep) -> Response:
    """Make an empty collection."""
    answer = await once(caller, partial(_create, named.name, caller), status=HTTPStatus.CREATED)
    answer.headers["Location"] = f"/api/v1/collections/{orjson.loads(answer.body)['id']}"
    return answer


async def _create(name: str, caller: Caller) -> SampleCollection:
    made = await sample_collections.create.aio(caller.user_id, name)
    if made is None:
        raise _name_taken()
    await audit.record(caller, "collection.create", made.id, name=made.name)
    return _collection(made)


@router.get("/collections/{collection}", responses=NOT_MODIFIED, response_model=SampleCollection)
async def get_collection(collection: CollectionId, caller: Reader, request: Request) -> Response:
    """Return one collection; what it holds is found by `GET /samples?collection=ID`."""
    found = _collection(await _of_caller(collection, caller.user_id))
    return respond(request, found.model_dump_json().encode())


@router.patch("/collections/{collection}", responses=_CONFLICT)
async def rename_collection(collection: CollectionId, named: CollectionName, caller: Writer) -> SampleCollection:
    """Rename a collection."""
    await _own(collection, caller.user_id)
    if not await sample_collections.rename.aio(collection, named.name):
        raise _name_taken()
    found = await _of_caller(collection, caller.user_id)
    await audit.record(caller, "collection.rename", collection, name=found.name)
    return _collection(found)


@router.delete("/collections/{collection}", status_code=HTTPStatus.NO_CONTENT, responses=_CONFLICT)
async def delete_collection(collection: CollectionId, caller: Writer) -> None:
    """Delete a collection; its samples stay in the library."""
    await _own(collection, caller.user_id)
    await sample_collections.delete.aio(collection)
    await audit.record(caller, "collection.delete", collection)


@router.post("/collections/{collection}/samples")
async def change_collection(collection: CollectionId, change: CollectionChange, caller: Writer) -> MarksChanged:
    """Put samples into a collection, and take others out; it may be repeated."""
    await _of_caller(collection, caller.user_id)
    seen = await _seen(change.add, caller)
    changed = await sample_collections.put.aio(caller.user_id, collection, add=seen, remove=change.remove)
    if changed is None:
        raise not_found("collection")
    if changed.changed:
        await audit.record(caller, "collection.change", collection, changed=changed.changed)
    return _with_hidden(_changed(changed), change.add, seen)


async def _seen(ids: Sequence[str], caller: Caller) -> list[str]:
    """Return those of some samples that the caller may see, each once."""
    distinct = list(dict.fromkeys(ids))
    if caller.roots is None:
        return distinct
    lying = await places.lying_in.aio(distinct, roots=caller.roots)
    return [each for each in distinct if each in lying]


def _with_hidden(result: MarksChanged, ids: Sequence[str], seen: Sequence[str]) -> MarksChanged:
    """Count what the caller may not see as missing."""
    hidden = set(ids) - set(seen)
    return result.model_copy(update={"missing": sorted({*result.missing, *hidden})}) if hidden else result


def _changed(result: Changed) -> MarksChanged:
    return MarksChanged(changed=result.changed, missing=result.missing)


def _collection(found: Collection) -> SampleCollection:
    return SampleCollection(
        id=found.id,
        name=found.name,
        samples=found.samples,
        built_in=found.built_in,
        created_at=found.created_at,
        changed_at=found.changed_at,
    )


async def _of_caller(collection: str, user_id: str) -> Collection:
    """Return a collection of the caller; those of others are not there for them."""
    found = await sample_collections.find.aio(user_id, collection)
    if found is None:
        raise not_found("collection")
    return found


async def _own(collection: str, user_id: str) -> None:
    """Check that the caller may rename or delete a collection."""
    if (await _of_caller(collection, user_id)).built_in:
        raise ProblemError(HTTPStatus.CONFLICT, "built_in", "the favourites can be neither renamed nor deleted")


def _name_taken() -> ProblemError:
    return ProblemError(HTTPStatus.CONFLICT, "name_taken", "there is a collection of that name already")
