//! The doers.
