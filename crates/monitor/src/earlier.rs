//! Earlier processes that used the folder.
