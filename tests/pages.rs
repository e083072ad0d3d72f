//! Every transcript in README, demos and docs is what the program prints.
//!
//! A block marked `console` holds commands (`$ udp-lab ...`) and their output. Times, ports and the system's release are
//! replaced on both sides before they are compared, and blanks and lines are collapsed, as a table follows its longest
//! cell; in pictures all numbers are replaced. A line `...` stands for lines that are left out. `UPDATE_PAGES=1 cargo test --test main pages::` writes today's output
//! into the pages, except where lines are left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::udp_lab;
use regex::Regex;

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder = |folder| fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let pages = in_folder("demos").chain(in_folder("docs")).chain([root.join("README.md")]);
    let mut pages: Vec<_> = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    pages.sort();
    pages
}

/// One command of a page, and the output that the page shows.
struct Transcript {
    command: String,
    output: Vec<String>,
}

/// A page in pieces: text, and the transcripts in it.
enum Piece {
    Text(String),
    Transcript(Transcript),
}

fn pieces(page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        let fence = line.starts_with("```");
        inside = if fence { line == "```console" } else { inside };
        match (inside && !fence, line.strip_prefix("$ "), pieces.last_mut()) {
            (true, Some(command), _) => {
                pieces.push(Piece::Transcript(Transcript { command: command.to_owned(), output: Vec::new() }));
            }
            (true, None, Some(Piece::Transcript(transcript))) => transcript.output.push(line.to_owned()),
            _ => pieces.push(Piece::Text(line.to_owned())),
        }
    }
    pieces
}

/// Splits a command line at blanks; quotation marks of either kind keep a word together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What the command prints today, on either stream.
fn output_of(command: &str) -> Vec<String> {
    let words = words(command);
    assert_eq!(words[0], "udp-lab", "{command}");
    let output = udp_lab().args(&words[1..]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

/// What changes from run to run, or from kernel to kernel, and what stands for it.
struct Changing(Vec<(Regex, &'static str)>);

impl Changing {
    fn new(patterns: &[(&str, &'static str)]) -> Self {
        Changing(patterns.iter().map(|(pattern, lasting)| (Regex::new(pattern).unwrap(), *lasting)).collect())
    }

    fn replaced(&self, line: String) -> String {
        self.0.iter().fold(line, |line, (changing, lasting)| changing.replace_all(&line, *lasting).into_owned())
    }
}

static IN_PICTURES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ *(\d+\.\d+ |│ \(\d+ more\)|client \d+ +█)").unwrap());
static PICTURES: LazyLock<Changing> =
    LazyLock::new(|| Changing::new(&[(r"\d+(\.\d+)?", "N"), (r"N( N)+", "N"), ("█+", "█")]));
static EVERYWHERE: LazyLock<Changing> = LazyLock::new(|| {
    Changing::new(&[
        (r"\d+\.\d+ ms", "TIME"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"Linux \d+\.\d+", "SYSTEM"),
        (r"┆ any +┆ \d+ +┆ info", "┆ any ┆ NUMBER ┆ info"),
        ("─+", "─"),
        ("═+", "═"),
        (" +", " "),
    ])
});

/// The lines without what changes.
fn lasting(lines: &[String]) -> Vec<String> {
    let line = |line: &String| {
        let kept = if IN_PICTURES.is_match(line) { PICTURES.replaced(line.clone()) } else { line.clone() };
        EVERYWHERE.replaced(kept)
    };
    lines.iter().map(line).collect()
}

/// Whether `shown` is `printed`, `...` standing for any number of lines.
fn same(shown: &[String], printed: &[String]) -> bool {
    fits(&lasting(shown), &lasting(printed))
}

fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "..." => (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..])),
        Some((line, rest)) => printed.first() == Some(line) && fits(rest, &printed[1..]),
    }
}

#[test]
fn every_transcript_is_what_the_program_prints() {
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let mut today = String::new();
        for piece in pieces(&page) {
            let Transcript { command, output } = match piece {
                Piece::Text(line) => {
                    today.push_str(&(line + "\n"));
                    continue;
                }
                Piece::Transcript(transcript) => transcript,
            };
            seen += 1;
            let printed = output_of(&command);
            let current = same(&output, &printed);
            if !current {
                wrong.push(format!("{}: $ {command}\n{}", path.display(), printed.join("\n")));
            }
            let whole = !output.iter().any(|line| line == "...");
            let kept = if update && !current && whole { printed } else { output };
            today.push_str(&format!("$ {command}\n"));
            kept.iter().for_each(|line| today.push_str(&format!("{line}\n")));
        }
        if update {
            fs::write(&path, today).unwrap();
        }
    }
    assert!(seen > 5, "{seen} transcripts were found");
    assert!(wrong.is_empty(), "not what the program prints today:\n{}", wrong.join("\n\n"));
}

#[test]
fn a_changed_line_is_noticed() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(same(&lines("a 1.5 ms\n...\nend"), &lines("a   12.5 ms\nb\nc\nend")));
    assert!(!same(&lines("a\nend"), &lines("a\nb\nend")));
    assert!(!same(&lines("3 of 3 as expected"), &lines("2 of 3 as expected")));
    assert!(!same(&lines("...\nend"), &lines("a\nb")));
}
