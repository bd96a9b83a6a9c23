"""The WebSocket API of the paper exchange: requests in JSON frames, sessions, and what happens to an account."""
