"""The wallboard: API, event stream and page, all fed by the Redis live view."""
