//! The libraries that providers and senders give away to sign, to verify and to send with, in Python.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::services;

/// Runs `code`, which reads `input` as JSON from standard input and writes JSON. `None` if `library`
/// is not installed; that is said.
pub(crate) fn run(library: &str, code: &str, input: &Value) -> Option<Value> {
    let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".services/signers/bin/python");
    let command = |code: &str| {
        let mut command = Command::new(&python);
        command.args(["-I", "-c", code]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let is_there = command(&format!("import {library}")).stdin(Stdio::null()).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        services::missing(&format!("{library} for Python: scripts/services up signers"));
        return None;
    }
    let mut child = command(code).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
