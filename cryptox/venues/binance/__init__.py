"""Binance Spot: tables of facts, and pure encoding and decoding."""
