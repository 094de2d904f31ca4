//! What each thread polls now: a route or a task.
