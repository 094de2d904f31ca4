//! Runs code of the application, which may panic or hang.
