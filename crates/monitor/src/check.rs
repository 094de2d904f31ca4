//! Checks of the application.
