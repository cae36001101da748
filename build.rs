//! The migrations are compiled in: a new one has to make a new binary.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
