//! Rules as the application states them.
