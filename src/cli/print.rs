//! Everything the command line prints.
//!
//! Text that came from outside may hold sequences that move a terminal's cursor or retitle its
//! window, so [`Printer::line`] shows control characters as `?`. A reader that went away
//! (`| head`) is no error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use crate::catalogue::Code;

/// Prints to one stream.
#[derive(Debug)]
pub(super) struct Printer<W> {
    out: W,
}

impl<W: Write> Printer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    /// One line for people, made harmless.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        let harmless: String = text.chars().map(harmless).collect();
        writeln!(self.out, "{}", harmless.trim_end())
    }

    /// One line for machines, as it is.
    pub(super) fn json(&mut self, json: &str) -> io::Result<()> {
        writeln!(self.out, "{json}")
    }

    /// A header and rows, in columns as wide as their widest cell.
    pub(super) fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: &[[String; N]],
    ) -> io::Result<()> {
        let mut widths = header.map(str::len);
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        self.row(&header.map(str::to_owned), &widths)?;
        rows.iter().try_for_each(|row| self.row(row, &widths))
    }

    fn row(&mut self, cells: &[String], widths: &[usize]) -> io::Result<()> {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        self.line(&line)
    }
}

/// Talk: what is not data goes to standard error. Nobody can be told if that fails.
pub(super) fn say(text: &str) {
    let _ = Printer::new(io::stderr().lock()).line(text);
}

/// A line on the terminal in the place of the one before; the next talk begins on a line of its own
/// once it is empty.
pub(super) fn overwrite(text: &str) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
}

/// Says what went wrong, with its code and what to do about it.
pub(super) fn refuse(code: Code, what: &dyn Display) {
    say(&format!("error {code}: {what}"));
    say(&format!("   = {}", code.fix()));
}

/// Did only the reader go away?
pub(super) fn reader_left(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

/// Control characters, and those that turn the direction of writing around.
fn harmless(letter: char) -> char {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    if letter.is_control() || turns { '?' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Printer<&mut Vec<u8>>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        print(&mut Printer::new(&mut bytes)).expect("memory takes everything");
        String::from_utf8(bytes).expect("it is UTF-8")
    }

    #[test]
    fn columns_line_up_by_letters_not_bytes_and_lines_end_without_blanks() {
        let rows = [
            ["1042".to_owned(), "critical".to_owned(), "Größe".to_owned()],
            ["7".to_owned(), "low".to_owned(), "–".to_owned()],
        ];
        assert_eq!(
            printed(|printer| printer.table(["#", "SEV", "TITLE"], &rows)),
            "#     SEV       TITLE\n\
             1042  critical  Größe\n\
             7     low       –\n"
        );
    }

    #[test]
    fn a_title_cannot_drive_the_terminal() {
        let title = "\u{1b}]0;owned\u{7}\u{9b}2J\r\n\u{202e}x";
        assert_eq!(printed(|printer| printer.line(title)), "?]0;owned??2J???x\n");
    }
}
