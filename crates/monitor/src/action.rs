//! What happens at an event.
