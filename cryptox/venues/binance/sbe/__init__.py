"""Binance's binary encoding of the same payloads that it sends as JSON (Simple Binary Encoding).

``schema`` reads the layouts from Binance's published schema, ``codec`` turns any message into the object that the JSON
API would have answered and back, ``arrays`` does the four bulk tables as whole arrays.

``spot_3_5.xml`` is Binance's own file, unchanged: spot schema 3 version 5 of 2026-07-07, from
https://github.com/binance/binance-spot-api-docs (``sbe/schemas/spot_3_5.xml``). Answers of later versions of schema 3
are read with it as well: what it does not know is skipped by length. ``stream_1_0.xml`` is the schema of the market
streams, 1 version 0, from the same place (``sbe/schemas/stream_1_0.xml``) and unchanged as well.
"""
