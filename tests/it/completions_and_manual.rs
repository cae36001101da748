//! What shells complete and what `man` shows is the command tree as it is.

use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use foghorn::cli::Cli;

fn foghorn(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_foghorn")).args(arguments).env_clear().output().unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = foghorn(arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_completes_every_command() {
    let tree = Cli::command();
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&["completions", shell]);
        for command in tree.get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        assert!(script.contains("--connect") || script.contains("connect"), "{shell}");
    }
    assert_eq!(foghorn(&["completions", "tcsh"]).status.code(), Some(2));
}

/// The shells that are on this machine take the script, and bash completes with it.
#[test]
fn shells_accept_their_script() {
    use std::io::Write;
    for shell in ["bash", "zsh", "fish"] {
        let child = Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = child else { continue };
        child.stdin.take().unwrap().write_all(said(&["completions", shell]).as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let script = said(&["completions", "bash"])
        + "\nCOMP_WORDS=(foghorn dlq re); COMP_CWORD=2; _foghorn foghorn re dlq; echo \"${COMPREPLY[@]}\"";
    let Ok(output) = Command::new("bash").args(["-c", &script]).output() else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "retry", "{output:?}");
}

#[test]
fn every_command_has_a_page_with_its_options() {
    fn all(command: &clap::Command, path: &[&str]) {
        for inner in command.get_subcommands() {
            let path: Vec<&str> = path.iter().copied().chain([inner.get_name()]).collect();
            let page =
                foghorn::cli::manual::page(&path.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            let page = page.unwrap_or_else(|word| panic!("{word}"));
            for option in inner.get_arguments().filter_map(|option| option.get_long()) {
                let escaped = option.replace('-', "\\-");
                assert!(page.contains(&format!("\\-\\-{escaped}")), "{path:?} --{option}: {page}");
            }
            all(inner, &path);
        }
    }
    all(&Cli::command(), &[]);
    let page = said(&["man"]);
    assert!(page.contains(".TH foghorn 1") && page.contains("FOGHORN_URL"), "{page}");
    assert!(said(&["man", "dlq", "retry"]).contains(".TH foghorn-dlq-retry 1"));
    assert_eq!(foghorn(&["man", "nothing"]).status.code(), Some(2));
}

/// `foghorn … | head -1` ends quietly.
#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_foghorn"))
        .args(["config", "schema"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}
