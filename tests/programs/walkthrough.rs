//! The page of the pinger lab: what its terminals show is what the programs write.
//!
//! The blocks marked `text` under one heading are the terminals of one session, in the order in which they are opened.
//! A program whose block has `^C` is ended by it when the others have ended by themselves. `UPDATE_PAGES=1 cargo test
//! --test main walkthrough` writes today's output into the page.

use std::fs;

use super::*;
use crate::pages::{same, words};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/demos/pinger.md");

/// What a terminal shows in place of Ctrl-C.
const INTERRUPT: &str = "^C";

/// A block of the page: its first line, from 0, the command and the output.
struct Terminal {
    place: usize,
    command: String,
    output: Vec<String>,
}

/// The terminals of each session of the page.
fn sessions(page: &str) -> Vec<Vec<Terminal>> {
    let mut sessions: Vec<Vec<Terminal>> = Vec::new();
    let mut inside = false;
    for (place, line) in page.lines().enumerate() {
        let fence = line.starts_with("```");
        inside = if fence { line == "```text" } else { inside };
        match (inside && !fence, line.strip_prefix("$ "), sessions.last_mut()) {
            (true, Some(command), Some(session)) => {
                session.push(Terminal { place, command: command.to_owned(), output: Vec::new() });
            }
            (true, None, Some(session)) => session.last_mut().expect("a command").output.push(line.to_owned()),
            _ if line.starts_with("## ") => sessions.push(Vec::new()),
            _ => {}
        }
    }
    sessions.retain(|session| !session.is_empty());
    sessions
}

impl Terminal {
    fn is_interrupted(&self) -> bool {
        self.output.iter().any(|line| line == INTERRUPT)
    }

    fn start(&self) -> Program {
        let words = words(&self.command);
        assert_eq!(words[0], "udp-lab", "{}", self.command);
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        Program::start(&mut udp_lab(&words))
    }
}

/// What the terminals of a session show today.
fn played(session: &[Terminal]) -> Vec<Vec<String>> {
    let mut shown = Vec::new();
    let mut running = Vec::new();
    for terminal in session {
        let program = terminal.start();
        if !terminal.is_interrupted() {
            shown.push(lines_of(&program.ending()));
            continue;
        }
        let greeting: Vec<String> =
            std::iter::from_fn(|| Some(program.line()).filter(|line| !line.is_empty())).collect();
        running.push((shown.len(), program));
        shown.push([greeting, vec![String::new()]].concat());
    }
    for (terminal, program) in running {
        program.signal("INT");
        shown[terminal].extend(lines_of(&program.ending()));
    }
    shown
}

fn lines_of(ending: &Ending) -> Vec<String> {
    [&ending.output, &ending.errors].iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
}

/// As a terminal shows it: the interrupt stands before the empty line of the table.
fn with_interrupt(mut lines: Vec<String>) -> Vec<String> {
    let place = lines.iter().rposition(String::is_empty).expect("a table");
    lines.insert(place, INTERRUPT.to_owned());
    lines
}

#[test]
fn the_terminals_of_the_page_show_what_the_programs_write() {
    support::in_a_namespace(module_path!(), "in_terminals");
}

/// The page has ports that another program may have.
#[test]
#[ignore = "takes the ports of the page: only in a namespace of its own"]
fn in_terminals() {
    let page = fs::read_to_string(PAGE).unwrap();
    let sessions = sessions(&page);
    assert!(sessions.len() > 2, "{} sessions were found", sessions.len());
    let mut today: Vec<String> = page.lines().map(str::to_owned).collect();
    let mut wrong = Vec::new();
    // From the last one, so that places before it stay what they are.
    for session in sessions.iter().rev() {
        for (terminal, lines) in session.iter().zip(played(session)).rev() {
            let Terminal { place, command, output } = terminal;
            let lines = if terminal.is_interrupted() { with_interrupt(lines) } else { lines };
            if !same(output, &lines) {
                wrong.push(format!("$ {command}\n{}", lines.join("\n")));
                today.splice(place + 1..=place + output.len(), lines);
            }
        }
    }
    if std::env::var_os("UPDATE_PAGES").is_some() {
        return fs::write(PAGE, today.join("\n") + "\n").unwrap();
    }
    assert!(wrong.is_empty(), "not what the programs write today:\n{}", wrong.join("\n\n"));
}
