//! The folder of captures, its checks and its cap.
