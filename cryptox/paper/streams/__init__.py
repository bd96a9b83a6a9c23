"""Market streams of the paper exchange.

``sources`` and the modules beside it (``executed``, ``bars``, ``windows``, ``books``) are pure and work out what each
stream has to say at a moment of market time; ``writing`` makes JSON of it, ``binary`` SBE. ``hub`` knows who wants
what, ``pump`` keeps time, ``connection`` speaks with a client, ``recording`` sends recorded traffic instead of the
market's.
"""
