"""The schema's layouts against the sizes that the protocol notes state, which were derived independently."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from cryptox.errors import ExchangeError
from cryptox.venues.binance.sbe import schema
from cryptox.venues.binance.sbe.schema import Form, Value

# shared/binance/sbe.md, sections 4 and 5: template id -> (root block, entries of its groups), bytes.
SIZES = {
    50: (3, (19,)),
    100: (18, ()),
    103: (0, (11, 0, 19, 0)),
    200: (10, (16, 16)),
    201: (2, (42,)),
    202: (2, (50,)),
    203: (2, (120,)),
    204: (25, ()),
    205: (182, ()),
    206: (0, (182,)),
    207: (106, ()),
    209: (9, ()),
    211: (34, ()),
    214: (0, (126,)),
    219: (2, (41,)),
    300: (24, ()),
    301: (154, ()),
    302: (154, (42, 40)),
    304: (163, ()),
    305: (137, ()),
    308: (0, (163,)),
    317: (145, None),
    400: (64, None),
    405: (108, ()),
    603: (282, ()),
    607: (18, (17,)),
    1: (25, ()),
    3: (37, ()),
    6: (23, ()),
    13: (32, ()),
    22: (33, ()),
}


@pytest.mark.parametrize("template", SIZES)
def test_block_lengths_are_those_of_the_notes(template: int) -> None:
    root, entries = SIZES[template]
    block = schema.load()[template].block
    assert block.size == root
    assert entries is None or tuple(group.block.size for group in block.groups) == entries


def test_the_packaged_schema_is_binances_own_file(shared: Path) -> None:
    packaged = resources.files("cryptox.venues.binance.sbe").joinpath("spot_3_5.xml").read_bytes()
    assert packaged == (shared / "binance/sbe/spot_3_5.xml").read_bytes()
    assert (schema.load().id, schema.load().version) == (3, 5)


@pytest.mark.parametrize(
    ("name", "numbers"), [("spot_prod_latest.xml", (3, 4, 92)), ("stream_1_0.xml", (1, 0, 4))], ids=["3:4", "stream"]
)
def test_other_schemas_parse(shared: Path, name: str, numbers: tuple[int, int, int]) -> None:
    other = schema.parse((shared / "binance/sbe" / name).read_text(encoding="utf-8"))
    assert (other.id, other.version, len(other.by_id)) == numbers


def test_schema_is_parsed_once() -> None:
    assert schema.load() is schema.load()


def test_null_values_are_those_of_the_standard() -> None:
    fields = {one.name: one.null for message in (205, 603, 301, 103) for one in schema.load()[message].block.fields}
    assert fields["priceExponent"] == -128
    assert fields["priceChange"] == -(2**63)
    assert fields["volume"] == (-(2**127)).to_bytes(16, "little", signed=True)
    assert fields["trailingDelta"] == -(2**63)
    assert fields["subscriptionId"] == 65535
    assert fields["pegOffsetValue"] == 255
    assert fields["strategyType"] == -(2**31)
    assert fields["priceChangePercent"] is None


def test_json_words_of_enums_and_bits_of_sets() -> None:
    order = {one.name: one for one in schema.load()["OrderResponse"].block.fields}
    assert order["status"].words["EXPIRED_IN_MATCH"] == 9
    assert order["orderType"].path == "type"
    symbol = {one.name: one for one in schema.load()["ExchangeInfoResponse"].block.groups[2].block.fields}
    assert symbol["orderTypes"].value is Value.SET
    assert symbol["orderTypes"].words["LIMIT_MAKER"] == 6


def test_forms_say_what_a_block_becomes() -> None:
    messages = schema.load()
    assert messages["KlinesResponse"].block.form is Form.MEMBER
    assert messages["KlinesResponse"].block.groups[0].block.form is Form.ROW
    assert messages["DepthResponse"].block.form is Form.OBJECT
    assert messages["CancelOpenOrdersResponse"].block.groups[0].block.form is Form.MEMBER


def test_layout_ends_where_the_received_block_or_the_version_ends() -> None:
    block = schema.load()["ExecutionReportEvent"].block
    assert block.layout(400).size == 282
    assert block.layout(281).size == 281
    assert block.layout(280).size == 273  # the eight bytes of peggedPrice do not fit
    assert block.layout(282, version=0).size == 268  # all that schema 3:0 had


@pytest.mark.parametrize("message", ["Nonsense", 4711])
def test_unknown_messages_are_refused(message: str | int) -> None:
    with pytest.raises(ExchangeError, match="no message"):
        schema.load()[message]


def test_messages_are_taken_apart_wherever_they_end() -> None:
    parsed = schema.parse(
        """<?xml version="1.0" encoding="UTF-8"?>
        <sbe:messageSchema xmlns:sbe="http://fixprotocol.io/2016/sbe" id="9" version="2">
          <types><type name="count" primitiveType="uint16" description="more > less, ünd"/></types>
          <sbe:message name="Empty" id="1" description="a > b"/> <!-- <sbe:message name="No" id="7"/> -->
          <sbe:message name="One" id="2"><field name="n" id="1" type="count"/></sbe:message><types>
          <type name="wide" primitiveType="int64"/></types>
          <sbe:message name="Two" id="3"><field name="a" id="1" type="wide"/><field name="b" id="2" type="count"/>
          </sbe:message>
        </sbe:messageSchema>"""
    )
    assert (parsed.id, parsed.version) == (9, 2)
    assert {name: message.block.size for name, message in parsed.by_name.items()} == {"Empty": 0, "One": 2, "Two": 10}
    assert sorted(parsed.by_id) == [1, 2, 3]
