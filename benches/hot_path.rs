//! What one notification costs in Foghorn's own code.

fn main() {}
