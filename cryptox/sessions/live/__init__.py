"""Live feeds of a session: topics shared by their subscribers, kept in order and repaired over REST."""
