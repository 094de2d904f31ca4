//! What wakes the monitor: events of the container, memory pressure.
