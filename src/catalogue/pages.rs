//! The catalogue for people: one code, all of them in a list, and `docs/errors.md`.

use std::fmt::Write as _;

use super::{Code, Effect, Origin};

impl Code {
    /// What it is, what it means, what to do and what follows, one a line.
    pub fn page(self) -> String {
        let (title, meaning, fix) = (self.title(), self.meaning(), self.fix());
        format!("{self}  {title}\n{meaning}\nFix: {fix}\n{}\n", self.effect().told())
    }

    /// Every code with its title, one a line.
    pub fn list() -> String {
        Self::all().map(|code| format!("{code}  {}\n", code.title())).collect()
    }
}

impl Effect {
    /// What follows, in one sentence.
    pub fn told(self) -> String {
        match self {
            Self::Refuses => "An error: Foghorn does not start, and check ends with exit code 78.".to_owned(),
            Self::Warns => "A warning: Foghorn starts.".to_owned(),
            Self::Ends(exit) => format!("The command ends with exit code {exit}."),
            Self::Logs => "A line of the log, with the code in its field `code`. Foghorn goes on.".to_owned(),
            Self::Stops(exit) => format!("Foghorn ends with exit code {exit}."),
            Self::Answers(status) => format!("The request is answered with status {status}."),
        }
    }
}

/// `docs/errors.md`
pub fn documentation() -> String {
    let mut page = "# Errors\n\n\
        Every error has a code that never changes its meaning. `foghorn explain FH0207` says what one means and how to\n\
        mend it, `foghorn explain` lists all, and neither needs a server. A running Foghorn serves the same under\n\
        `/docs/errors`, where `type` of each `application/problem+json` leads. This page is made from the same tables.\n"
        .to_owned();
    for origin in [Origin::Configuration, Origin::Command, Origin::Running, Origin::Request] {
        let heading = match origin {
            Origin::Configuration => "The configuration",
            Origin::Command => "Commands",
            Origin::Running => "While it runs",
            Origin::Request => "Requests",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "\n## {heading}");
        for code in Code::all().filter(|code| code.origin() == origin) {
            let (title, meaning, fix) = (code.title(), quoted(code.meaning()), quoted(code.fix()));
            let _ = write!(
                page,
                "\n### {code} {title}\n\n{meaning}\n\n**Fix:** {fix}\n\n{}\n",
                code.effect().told()
            );
        }
    }
    page
}

/// Angle brackets would be taken for HTML.
fn quoted(text: &str) -> String {
    text.replace('<', "\\<")
}
