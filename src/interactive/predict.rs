//! The question before the run: who has said what they expect watches for it.

use std::io::{self, IsTerminal, Write};

use crate::kernel::{self, HERE};
use crate::render::{RenderOptions, table};
use crate::vocabulary::{Choice, Guess, os_message};

/// More of a line than any answer has, in bytes.
const LONGEST_ANSWER: usize = 100;

const UNREAD: &str = "The input cannot be read, so the run goes on without an answer.";

/// What came of a question.
pub struct Asked {
    /// What was answered.
    pub choice: Choice,
    /// Why the input could not be read, so that nobody could answer; its end is no such reason.
    pub unread: Option<String>,
}

impl From<Choice> for Asked {
    fn from(choice: Choice) -> Self {
        Asked { choice, unread: None }
    }
}

/// Puts the `question`, under which the report follows, with its answers. On a terminal it waits for one of them;
/// elsewhere the run goes on without.
///
/// # Errors
/// When the question cannot be written.
pub fn ask(question: &str, guess: &Guess, options: RenderOptions, out: &mut dyn Write) -> io::Result<Asked> {
    write!(out, "{}", table::heading(question, options))?;
    for (letter, answer) in ('a'..).zip(guess.answers) {
        writeln!(out, "{}", options.wrap(&format!("  {letter}) {}", answer.text), "     "))?;
    }
    let input = io::stdin();
    if !(input.is_terminal() && io::stdout().is_terminal()) {
        writeln!(out)?;
        out.flush()?;
        return Ok(Choice::Silent.into());
    }
    loop {
        write!(out, "What do you expect? [a-{}] ", guess.last_letter())?;
        out.flush()?;
        let line = match kernel::next_line(&mut input.lock(), LONGEST_ANSWER) {
            Ok(Some(line)) => line,
            // The end of the input: nobody is there to answer.
            Ok(None) => {
                writeln!(out)?;
                return Ok(Choice::Silent.into());
            }
            Err(error) => {
                writeln!(out, "\n{}\n", options.wrap(UNREAD, ""))?;
                return Ok(Asked { choice: Choice::Silent, unread: Some(os_message(&error, HERE)) });
            }
        };
        let line = String::from_utf8_lossy(&line);
        if let Some(said) = guess.place_of(line.trim()) {
            writeln!(out)?;
            return Ok(Choice::Said(said).into());
        }
        let letters: Vec<String> = (0..guess.answers.len()).map(|place| Guess::letter(place).to_string()).collect();
        let (last, others) = letters.split_last().expect("a question has answers");
        writeln!(out, "Please type {} or {last}.", others.join(", "))?;
    }
}
