//! Time as numbers, passed in where decisions are made.
