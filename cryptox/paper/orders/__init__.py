"""Orders in and out: parameters to tickets, filters, the endpoints that place, change and query, and their answers."""
