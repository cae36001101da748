//! Every code of the catalogue is triggered, by a file, by a command, by a request or by what happens to a running process, and what follows
//! is what the catalogue says. Each code belongs to one of the four tests. A code that nothing triggers fails here: it must get a row or go.

mod commands;
mod configuration;
mod requests;
mod running;

use foghorn::catalogue::{Code, Origin};

/// The codes that the test of this origin has to trigger.
fn codes_of(wanted: Origin) -> Vec<Code> {
    let codes: Vec<Code> = Code::all().filter(|code| code.origin() == wanted).collect();
    assert!(codes.len() > 5, "{wanted:?}: {codes:?}");
    codes
}
