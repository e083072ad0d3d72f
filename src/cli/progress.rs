//! Says on the terminal that a run takes its time.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::cursor::MoveToColumn;
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{Clear, ClearType};
use terminal_size::{Width, terminal_size_of};

/// What is over sooner needs no sign of life.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(250);

/// Runs `work`. Where standard error is a terminal and half a second has passed, a line there says that `name` is
/// running and for how long; it is gone when the work is done.
pub fn shown<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    // A dumb terminal cannot take a line back.
    if !io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
        return work();
    }
    thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        let still_running = move |time| finished.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        let began = Instant::now();
        let tell = move || {
            if still_running(SHOWN_AFTER) {
                draw(&line(name, began.elapsed()));
                while still_running(TICK) {
                    draw(&line(name, began.elapsed()));
                }
                draw("");
            }
        };
        // Where there is no thread for it there is no line.
        let _ = thread::Builder::new().spawn_scoped(scope, tell);
        let result = work();
        drop(done);
        result
    })
}

fn line(name: &str, elapsed: Duration) -> String {
    format!("{name} is running: {:.1} s", elapsed.as_secs_f64())
}

/// Puts `text` in the place of what was drawn before. It is cut where the terminal is narrower: what has gone on to the
/// next line cannot be taken back.
fn draw(text: &str) {
    let width =
        terminal_size_of(io::stderr()).map_or(usize::MAX, |(Width(columns), _)| usize::from(columns).saturating_sub(1));
    let text = text.chars().take(width).collect::<String>();
    let mut terminal = io::stderr().lock();
    // A terminal that takes no line shows none: the run goes on.
    let _ =
        queue!(terminal, MoveToColumn(0), Clear(ClearType::CurrentLine), Print(text)).and_then(|()| terminal.flush());
}
