//! A question at the terminal, before something is done to many.

use std::io::{self, BufRead, IsTerminal, Write};

use tokio::signal::ctrl_c;
use tokio::sync::oneshot;

use super::Exit;
use super::print::{refuse, say};
use crate::catalogue::Code;

/// How a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    Interrupted,
}

/// May `deed` be done to `many`? If not, it was told why, and this is how the command ends.
pub(super) async fn may(deed: &str, many: &str) -> Result<(), Exit> {
    match asked(&format!("{} {many}?", capital(deed))).await {
        Some(Answer::Yes) => Ok(()),
        Some(Answer::No) => {
            say("Nothing was done.");
            Err(Exit::Failed)
        }
        Some(Answer::Interrupted) => Err(Exit::Interrupted),
        None => {
            let why = format!("this would {deed} {many}, and nobody can be asked: --yes");
            refuse(Code::NotATerminal, &why);
            Err(Exit::Usage)
        }
    }
}

/// Asks at the terminal; `None` if there is none.
pub(super) async fn asked(question: &str) -> Option<Answer> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let mut terminal = io::stderr();
    let _ = write!(terminal, "{question} [y/N] ").and_then(|()| terminal.flush());
    let (answered, answer) = oneshot::channel();
    // A thread of its own: nobody can wait for it to end, should the question be broken off.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        let yes = read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes");
        answered.send(if yes { Answer::Yes } else { Answer::No })
    });
    tokio::select! {
        answer = answer => Some(answer.unwrap_or(Answer::No)),
        _ = ctrl_c() => Some(Answer::Interrupted),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
