"""How the favourites of a user are named among the collections; it loads without Beanie, as filters name them."""

_FAVOURITES = "favourites"


def favourites_of(user_id: str) -> str:
    """Return the id of a user's favourites."""
    return f"{_FAVOURITES}:{user_id}"
