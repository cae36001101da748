//! The store in memory: for tests and `foghorn dev`.
