import json
from typing import Any

import pytest

from samplemind_worker.providers import reply_schema


def entry(**values: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "summary": "A kick.",
        "production_tips": ["Cut it."],
        "creative_ideas": ["Reverse it."],
        "fl_studio_recommendations": ["Fruity Limiter: -1 dB."],
        "tags": ["kick"],
    } | values


def read(*entries: Any) -> set[str]:
    return set(reply_schema.read(json.dumps({"samples": entries}), {"a", "b"}))


def test_a_whole_note_is_taken():
    note = reply_schema.read(json.dumps({"samples": [entry()]}), {"a"})["a"]

    assert note.model_dump() == entry()


@pytest.mark.parametrize("field", ["summary", "production_tips", "creative_ideas", "fl_studio_recommendations", "tags"])
def test_a_note_without_a_field_is_not(field: str):
    whole = entry()
    blank: Any = " " if field == "summary" else ["", "\x1b[0m"]

    assert read({name: value for name, value in whole.items() if name != field}) == set()
    assert read(entry(**{field: blank})) == set()
    assert read(entry(**{field: None})) == set()
    assert read(entry(**{field: 7})) == set()
    assert read(entry(**{field: [["nested"]]})) == set()


def test_what_nobody_asked_for_is_not_taken():
    assert read(entry(id="c")) == set()
    assert read(entry(extra="x")) == set()
    assert read("a", None, [], entry(id="b")) == {"b"}


def test_of_two_notes_about_one_sample_the_first_counts():
    reply = json.dumps({"samples": [entry(summary="First."), entry(summary="Second.")]})

    assert reply_schema.read(reply, {"a"})["a"].summary == "First."


def test_lengths_are_bounded():
    many = ["word " * 100] * 50
    note = reply_schema.read(
        json.dumps(
            {
                "samples": [
                    entry(
                        summary="word " * 1000,
                        production_tips=many,
                        creative_ideas=many,
                        fl_studio_recommendations=many,
                        tags=[f"tag{k}" for k in range(100)],
                    )
                ]
            }
        ),
        {"a"},
    )["a"]

    assert len(note.summary) <= 400
    assert [len(note.production_tips), len(note.creative_ideas), len(note.fl_studio_recommendations)] == [4] * 3
    assert max(map(len, note.production_tips)) <= 200
    assert len(note.tags) == 10


@pytest.mark.parametrize(
    "wrapped",
    ["Here you are:\n```json\n{}\n```\nEnjoy!", "{} ", "\ufeff{}", "Sure. {}", "{}\n\nLet me know {{if}} it helps."],
)
def test_a_reply_may_stand_among_words(wrapped: str):
    reply = wrapped.replace("{{", "(").replace("}}", ")").replace("{}", json.dumps({"samples": [entry()]}))

    assert set(reply_schema.read(reply, {"a"})) == {"a"}


def test_every_beginning_of_a_reply_is_read_without_error():
    reply = json.dumps({"samples": [entry(), entry(id="b")]})

    counts = [len(reply_schema.read(reply[:end], {"a", "b"})) for end in range(len(reply) + 1)]

    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2}


@pytest.mark.parametrize(
    "reply",
    ["", "null", "[]", "{}", '{"samples": {}}', '{"samples": null}', '{"samples": [null]}', "}{",
     '{"samples": [1e999]}', "{" * 100_000, '{"samples":' + "[" * 100_000, '{"a": ' * 50_000, "\ud800",
     '{"samples": ["\\ud800"]}'],
)  # fmt: skip
def test_nonsense_gives_nothing(reply: str):
    assert reply_schema.read(reply, {"a"}) == {}


def test_the_schema_is_what_the_strictest_service_takes():
    words = reply_schema.SCHEMA_TEXT

    assert "$ref" not in words
    assert "maxLength" not in words
    assert reply_schema.SCHEMA["additionalProperties"] is False
    item = reply_schema.SCHEMA["properties"]["samples"]["items"]
    assert item["additionalProperties"] is False
    assert set(item["required"]) == set(item["properties"]) == set(entry())
