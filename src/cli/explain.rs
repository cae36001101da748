//! `foghorn explain`: what an error means and how to mend it. Needs no server and no configuration.

use std::io::{self, Write};

use super::print::{Printer, reader_left, refuse};
use super::{Exit, ExplainArgs};
use crate::catalogue::{Code, Effect};

/// Explains one code, or lists all.
pub(super) fn explain(args: &ExplainArgs) -> Exit {
    let codes: Vec<Code> = match &args.code {
        None => Code::all().collect(),
        Some(text) => match Code::named(text) {
            Some(code) => vec![code],
            None => {
                refuse(Code::UnknownCode, &unknown(text));
                return Exit::NotFound;
            }
        },
    };
    let mut out = Printer::new(io::stdout().lock());
    match print(&mut out, &codes, args) {
        Err(error) if !reader_left(&error) => {
            refuse(Code::CannotWrite, &error);
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

fn print<W: Write>(out: &mut Printer<W>, codes: &[Code], args: &ExplainArgs) -> io::Result<()> {
    for code in codes {
        if args.json {
            out.json(&json(*code))?;
        } else if args.code.is_some() {
            code.page().lines().try_for_each(|line| out.line(line))?;
        } else {
            out.line(&format!("{code}  {}", code.title()))?;
        }
    }
    Ok(())
}

fn unknown(text: &str) -> String {
    let text: String = text.chars().take(40).collect();
    match Code::nearest(&text) {
        Some(code) => format!("there is no error {text}; did you mean {code}, \"{}\"?", code.title()),
        None => format!("\"{text}\" is no code of an error"),
    }
}

fn json(code: Code) -> String {
    let (severity, exit, status) = match code.effect() {
        Effect::Refuses => ("error", Some(Exit::InvalidConfig.code()), None),
        Effect::Warns => ("warning", None, None),
        Effect::Logs => ("log", None, None),
        Effect::Ends(exit) | Effect::Stops(exit) => ("error", Some(exit), None),
        Effect::Answers(status) => ("error", None, Some(status)),
    };
    let mut explained = serde_json::json!({
        "code": code.as_str(),
        "severity": severity,
        "title": code.title(),
        "meaning": code.meaning(),
        "fix": code.fix(),
    });
    if let Some(exit) = exit {
        explained["exit_code"] = exit.into();
    }
    if let Some(status) = status {
        explained["status"] = status.into();
    }
    explained.to_string()
}
