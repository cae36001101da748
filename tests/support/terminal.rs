//! A command of the real binary in a terminal of its own, and what that terminal shows.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::time::{interval, timeout};

/// Longer than anything takes that works, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Ends when all that was printed is on the screen.
    reader: JoinHandle<()>,
}

/// What was printed and has left the screen is kept, so many lines.
const SCROLLBACK: usize = 1_000;

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

impl Terminal {
    /// Runs the binary in a terminal of 24 lines of 120 letters.
    pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let pty = native_pty_system().openpty(size(24, 120)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_foghorn"));
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(nonzero(24), nonzero(120), SCROLLBACK)));
        let mut output = pty.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&screen);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Linux tells the end of the other side as an error.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        let keyboard = pty.master.take_writer().unwrap();
        Self { master: pty.master, keyboard, child, screen, reader }
    }

    /// What it shows.
    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    pub(crate) fn is_alternate(&self) -> bool {
        self.screen.lock().unwrap().screen().alternate_screen()
    }

    pub(crate) fn hides_cursor(&self) -> bool {
        self.screen.lock().unwrap().screen().hide_cursor()
    }

    /// Whether anything that is shown has a colour.
    pub(crate) fn is_coloured(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        let (rows, cols) = screen.size();
        let plain = |row, col| {
            screen.cell(row, col).is_none_or(|cell| {
                cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default
            })
        };
        !(0..rows.get()).all(|row| (0..cols.get()).all(|col| plain(row, col)))
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, rows: u16, cols: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(nonzero(rows), nonzero(cols));
        self.master.resize(size(rows, cols)).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().expect("it was started")
    }

    /// Waits until it shows something that `holds`.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let shown = timeout(PATIENCE, async {
            let mut tick = interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                let text = self.text();
                if holds(&text) {
                    return text;
                }
            }
        });
        shown.await.unwrap_or_else(|_| panic!("not in time: {what}\n{}", self.text()))
    }

    pub(crate) async fn shows(&self, text: &str) -> String {
        self.until(text, |shown| shown.contains(text)).await
    }

    /// Its exit code, when it has ended and all that it printed is on the screen.
    pub(crate) async fn exit(&mut self) -> u32 {
        let ended = timeout(PATIENCE, async {
            let mut tick = interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                if let Some(status) = self.child.try_wait().unwrap()
                    && self.reader.is_finished()
                {
                    return status.exit_code();
                }
            }
        });
        ended.await.unwrap_or_else(|_| panic!("it goes on"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
