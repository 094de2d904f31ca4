//! What a thread of this process does, without a signal.
