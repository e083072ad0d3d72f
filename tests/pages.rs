//! Every transcript in README, demos and docs is what the program prints.
//!
//! A block marked `console` holds commands (`$ udp-lab ...`) and their output. Both are compared line by line and
//! column by column; only the digits of times, ports, the system's release and what a kernel's buffers hold are masked,
//! and in pictures those of all numbers. Where such a number has more or fewer digits than in the page, as on another
//! kernel, lines break elsewhere and columns have other widths: only then the words alone are compared. A line `...`
//! stands for lines that are left out. `UPDATE_PAGES=1 cargo test --test main pages::` writes into the pages what is
//! printed today.
//!
//! The properties that a teacher's page names are those of its lesson's rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::udp_lab;
use regex::Regex;
use udp_lab::lessons::{LESSONS, Lesson, Scene};
use udp_lab::vocabulary::Claim;

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
pub fn words(command: &str) -> Vec<String> {
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

/// What the command prints today, on either stream; but not that another program of this machine sent something
/// meanwhile.
fn output_of(command: &str) -> Vec<String> {
    let words = words(command);
    assert_eq!(words[0], "udp-lab", "{command}");
    let output = udp_lab().args(&words[1..]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    text.lines().filter(|line| !line.starts_with("Note: a datagram from another program")).map(str::to_owned).collect()
}

/// What changes from run to run, or from kernel to kernel, and what stands for it where widths do not count.
struct Changing(Vec<(Regex, &'static str)>);

impl Changing {
    fn new(patterns: &[(&str, &'static str)]) -> Self {
        Changing(patterns.iter().map(|(pattern, lasting)| (Regex::new(pattern).unwrap(), *lasting)).collect())
    }

    fn replaced(&self, line: String) -> String {
        self.0.iter().fold(line, |line, (changing, lasting)| changing.replace_all(&line, *lasting).into_owned())
    }

    /// The line with other digits, as wide as before; how long each number was is added to `lengths`.
    fn as_wide(&self, line: String, lengths: &mut Vec<usize>) -> String {
        self.0.iter().fold(line, |line, (changing, _)| {
            let masked = changing.replace_all(&line, |found: &regex::Captures<'_>| {
                lengths.push(found[0].len());
                found[0].chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect::<String>()
            });
            masked.into_owned()
        })
    }
}

static IN_PICTURES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ *(\d+(\.\d+)? .*[│├]|[│ ]+\(\d+ more|client \d+ +█)").unwrap());
static PICTURES: LazyLock<Changing> =
    LazyLock::new(|| Changing::new(&[(r"\d+(\.\d+)?", "N"), (r"N( N)+", "N"), (" …", "…"), ("█+", "█")]));
static NUMBERS: LazyLock<Changing> = LazyLock::new(|| {
    Changing::new(&[
        (r"\d+(\.\d+)? (ms|s)\b", "TIME"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b\d{10}\.\d{6}\b", "CLOCK"),
        (r"Linux \d+(\.\d+)?", "SYSTEM"),
        (r"bound port \d+", "bound port NUMBER"),
        (r"\d+ received, \d+ dropped", "NUMBER received, NUMBER dropped"),
        (r"granted: \d+ \(limit: \d+\)", "granted: NUMBER (limit: NUMBER)"),
        (r"takes \d+ bytes; \d+ fitted", "takes NUMBER bytes; NUMBER fitted"),
        (r"\d+ were lost; SO_RXQ_OVFL then told of \d+", "NUMBER were lost; SO_RXQ_OVFL then told of NUMBER"),
        (r"stopped after \d+ bytes", "stopped after NUMBER bytes"),
        (r"┆ any +┆ \d+ +┆ info", "┆ any ┆ NUMBER ┆ info"),
    ])
});
static WIDTHS: LazyLock<Changing> = LazyLock::new(|| Changing::new(&[("─+", "─"), ("═+", "═"), (" +", " ")]));

/// The column of the times in a picture, and a request's bar: as wide whatever they say.
static TIMES: LazyLock<Changing> =
    LazyLock::new(|| Changing::new(&[(r"^ *\d+(\.\d+)?( +[│├])", "   TIME$2"), (r"( *█+ \d+(\.\d+)?)$", " BAR")]));

/// A line of running text: no picture, no table, no list, not the end of a paragraph.
static IN_TEXT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[^ │╭╞╰.]").unwrap());

/// A word that was broken at its hyphen.
static BROKEN_WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\w)- (\w)").unwrap());

/// Each paragraph of running text as one line, the other lines as they are.
fn paragraphs(lines: &[String]) -> Vec<String> {
    let is_text = |line: &str| IN_TEXT.is_match(line) && !IN_PICTURES.is_match(line);
    let mut paragraphs: Vec<String> = Vec::new();
    for line in lines {
        match paragraphs.last_mut() {
            Some(paragraph) if is_text(paragraph) && is_text(line) => {
                *paragraph = BROKEN_WORD.replace_all(&format!("{paragraph} {line}"), "$1-$2").into_owned();
            }
            _ => paragraphs.push(line.clone()),
        }
    }
    paragraphs
}

/// The paragraphs without what changes, and without their widths.
fn lasting(lines: &[String]) -> Vec<String> {
    let line = |line: String| {
        let kept = if IN_PICTURES.is_match(&line) { PICTURES.replaced(line) } else { line };
        WIDTHS.replaced(NUMBERS.replaced(kept))
    };
    paragraphs(lines).into_iter().map(line).collect()
}

/// Each line with what changes masked, as wide as it is; and the lengths of the numbers on which widths depend.
fn masked(lines: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut lengths = Vec::new();
    let line = |line: &String| {
        let changing = if IN_PICTURES.is_match(line) { &*PICTURES } else { &*NUMBERS };
        let line = if IN_PICTURES.is_match(line) { TIMES.replaced(line.clone()) } else { line.clone() };
        changing.as_wide(line, &mut lengths)
    };
    (lines.iter().map(line).collect(), lengths)
}

/// Whether `shown` is `printed` to the column, `...` standing for any number of lines.
fn exactly(shown: &[String], printed: &[String]) -> bool {
    fits(&masked(shown).0, &masked(printed).0)
}

/// The same; but where a number has more or fewer digits than in the page, what depends on its width is not compared.
pub fn same(shown: &[String], printed: &[String]) -> bool {
    let (lengths, others) = (masked(shown).1, masked(printed).1);
    let is_wider = !lengths.is_empty() && lengths != others;
    exactly(shown, printed) || is_wider && fits(&lasting(shown), &lasting(printed))
}

fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "..." => (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..])),
        Some((line, rest)) => printed.first() == Some(line) && fits(rest, &printed[1..]),
    }
}

/// What the page shows, as it is printed today: each line that is not left out where the same words are printed; all of
/// it where nothing is left out. Nothing where a line has other words.
fn renewed(shown: &[String], printed: Vec<String>) -> Option<Vec<String>> {
    if !shown.iter().any(|line| line == "...") {
        return Some(printed);
    }
    let words = |line: &String| lasting(std::slice::from_ref(line));
    let mut rest = printed.into_iter();
    let line =
        |line: &String| if line == "..." { Some(line.clone()) } else { rest.find(|one| words(one) == words(line)) };
    shown.iter().map(line).collect()
}

/// A page, with what the program prints today where that is to be written; how many transcripts it has, and the
/// commands whose output it still does not show.
fn held_against(
    page: &str,
    print: impl Fn(&str) -> Vec<String>,
    is_to_be_written: bool,
) -> (String, usize, Vec<String>) {
    let (mut today, mut seen, mut wrong) = (String::new(), 0, Vec::new());
    for piece in pieces(page) {
        let Transcript { command, mut output } = match piece {
            Piece::Text(line) => {
                today.push_str(&(line + "\n"));
                continue;
            }
            Piece::Transcript(transcript) => transcript,
        };
        seen += 1;
        let printed = print(&command);
        if is_to_be_written && !exactly(&output, &printed) {
            output = renewed(&output, printed.clone()).unwrap_or(output);
        }
        if !same(&output, &printed) {
            wrong.push(format!("$ {command}\n{}", printed.join("\n")));
        }
        today.push_str(&format!("$ {command}\n"));
        output.iter().for_each(|line| today.push_str(&format!("{line}\n")));
    }
    (today, seen, wrong)
}

#[test]
fn every_transcript_is_what_the_program_prints() {
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let (today, transcripts, others) = held_against(&page, output_of, update);
        seen += transcripts;
        wrong.extend(others.iter().map(|other| format!("{}: {other}", path.display())));
        // Other tests write others at the same time.
        if update && today != page {
            fs::write(&path, today).unwrap();
        }
    }
    assert!(seen > 5, "{seen} transcripts were found");
    assert!(wrong.is_empty(), "not what the program prints today:\n{}", wrong.join("\n\n"));
}

#[test]
fn a_page_that_was_written_is_right_unless_it_leaves_out_what_has_changed() {
    let print = |_: &str| vec!["a".to_owned(), "b".to_owned()];
    let page = |output: &str| format!("Text\n```console\n$ udp-lab\n{output}```\nEnd\n");
    for (before, after, right) in [("", "a\nb\n", true), ("c\n", "a\nb\n", true), ("...\nc\n", "...\nc\n", false)] {
        let (today, seen, wrong) = held_against(&page(before), print, true);
        assert_eq!((today, seen, wrong.is_empty()), (page(after), 1, right), "{before}");
        let (today, _, wrong) = held_against(&page(before), print, false);
        assert_eq!((today, wrong), (page(before), vec!["$ udp-lab\na\nb".to_owned()]), "{before}");
    }
}

#[test]
fn a_changed_line_is_noticed() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(same(&lines("a 1.5 ms\n\n...\nend"), &lines("a   12.5 ms\n\nb\n\nc\n\nend")));
    assert!(!same(&lines("a\n\nend"), &lines("a\n\nb\n\nend")));
    assert!(!same(&lines("3 of 3 as expected"), &lines("2 of 3 as expected")));
    assert!(!same(&lines("...\nend"), &lines("a\nb")));
    assert!(!same(&lines("│ a │\n│ b │"), &lines("│ a │\n│ c │")));
}

#[test]
fn a_width_and_a_line_break_are_noticed() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(!same(&lines("╭───╮\n│ a │"), &lines("╭────╮\n│ a │")));
    assert!(!same(&lines("│ a │"), &lines("│ a  │")));
    assert!(!same(&lines("after 1.5 ms the\nend"), &lines("after 2.7 ms\nthe end")));
    assert!(!same(&lines("  1.260  │── one ──>│"), &lines("  1.260  │── one ───>│")));
    // A time, and how long somebody was served, are not the same twice; a number of another width moves what is behind
    // it.
    assert!(same(
        &lines("  1.260  │── one ──>│\nclient 1 ██ 10.3"),
        &lines("   12.6  │── one ──>│\nclient 1  ███ 11.4")
    ));
    assert!(same(&lines("after 1.5 ms the\nend"), &lines("after 12.7 ms\nthe end")));
    let left_out = lines("...\n│ b  │\n...");
    let printed = lines("│ a │\n│ b │\nend");
    assert!(!same(&left_out, &printed));
    assert_eq!(renewed(&left_out, printed), Some(lines("...\n│ b │\n...")));
}

#[test]
fn another_kernel_changes_no_page() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let here = "    12.9  │ ─── \"38 38 3…\" ──✗│ lost\n        │      │ (37 more)\n\n1000 sent, 39 received, 961 dropped. Failed\nsends: 0.\n\
                1 of 1 on Linux 6.18. room-\nagain";
    let there = "      113  │ ─── \"107 107 …\" ──✗│ lost\n        │      │ (106 more)\n\n1000 sent, 108 received, 892 dropped.\nFailed sends: 0.\n\
                 1 of 1 on Linux 7. room-again";
    assert!(same(&lines(here), &lines(there)));
    assert!(!same(&lines(here), &lines(&there.replace("sends: 0", "sends: 1"))));
    assert!(!same(&lines(here), &lines(&there.replace("1000 sent", "999 sent"))));
}

/// The section of a page with this heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let after = page.split_once(&format!("\n## {heading}\n")).map_or("", |(_, after)| after);
    after.split("\n## ").next().unwrap_or_default()
}

/// The items of the lists in a section, each on one line; paragraphs and tables end them.
fn items(section: &str) -> Vec<String> {
    let starts = Regex::new(r"^(\d+\.|-) ").unwrap();
    let mut items: Vec<String> = Vec::new();
    let mut open = false;
    for line in section.lines() {
        if starts.is_match(line) {
            items.push(line.to_owned());
            open = true;
        } else if open && line.starts_with(' ') {
            let item = items.last_mut().expect("a list has begun");
            *item = format!("{item} {}", line.trim());
        } else {
            open = false;
        }
    }
    items
}

/// The rows that a text names: what stands in back-ticks before a colon, several with commas between them.
fn named(text: &str) -> Vec<String> {
    let names = Regex::new(r"(?:`[^`]+`, )*`[^`]+`:").unwrap();
    let name = Regex::new("`([^`]+)`").unwrap();
    names.find_iter(text).flat_map(|found| name.captures_iter(found.as_str()).map(|name| name[1].to_owned())).collect()
}

fn teachers_page(lesson: &Lesson) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("demos/{}.md", lesson.name));
    fs::read_to_string(path).unwrap().replace("\r\n", "\n")
}

fn properties<'c>(claims: impl IntoIterator<Item = &'c Claim>) -> Vec<&'c str> {
    claims.into_iter().map(|claim| claim.property.as_str()).collect()
}

/// The numbered points explain the key rows.
fn check_key_rows(lesson: &Lesson, scenes: &[Scene], points: &[String]) {
    let claims: Vec<&Claim> = scenes.iter().flat_map(|scene| scene.claims()).collect();
    let keys = properties(claims.into_iter().filter(|claim| lesson.keys.contains(&claim.id.as_str())));
    let explained: Vec<String> = points.iter().flat_map(|point| named(point)).collect();
    for point in points {
        let first = point.split_once(". ").map_or("", |(_, text)| text);
        assert!(
            first.starts_with('`') && !named(point).is_empty(),
            "{}: a point names its row first: {point}",
            lesson.name
        );
    }
    for row in &explained {
        assert!(keys.contains(&row.as_str()), "{}: `{row}` is no key row; these are: {keys:#?}", lesson.name);
    }
    for key in keys {
        assert!(explained.iter().any(|row| row == key), "{}: no point explains `{key}`", lesson.name);
    }
}

/// The point of a scene names rows of that scene.
fn check_scene(lesson: &Lesson, scenes: &[Scene], point: &str) {
    let point_of_scene = Regex::new(r"^- `--scene (\d+)`: (.+)$").unwrap();
    let parts = point_of_scene.captures(point).unwrap_or_else(|| panic!("{}: of which scene? {point}", lesson.name));
    let scene = scenes.iter().find(|scene| scene.number().to_string() == parts[1]);
    let scene = scene.unwrap_or_else(|| panic!("{} has no scene {}", lesson.name, &parts[1]));
    let known = properties(scene.claims());
    let rows = named(&parts[2]);
    assert!(!rows.is_empty(), "{}: the point names a row: {point}", lesson.name);
    for row in rows {
        assert!(known.contains(&row.as_str()), "{}, scene {}: no row `{row}`: {known:#?}", lesson.name, scene.number());
    }
}

/// The table of systems names rows of the lesson.
fn check_systems(lesson: &Lesson, scenes: &[Scene], section: &str) {
    let known = properties(scenes.iter().flat_map(|scene| scene.claims()));
    let rows = Regex::new(r"(?m)^\| `([^`]+)` \|").unwrap();
    for row in rows.captures_iter(section) {
        assert!(known.contains(&&row[1]), "{}: no row `{}`: {known:#?}", lesson.name, &row[1]);
    }
}

/// A text of the table that is changed is to be changed in the page that explains it.
#[test]
fn a_teachers_page_names_rows_that_its_lesson_has() {
    // The page of `compare` goes through its sentences instead.
    for lesson in LESSONS.iter().filter(|lesson| lesson.name != "compare") {
        let page = teachers_page(lesson);
        let scenes = lesson.default_scenes().expect("default parameters fit");
        let section = section(&page, "Read the table");
        let (of_scenes, of_keys): (Vec<_>, Vec<_>) = items(section).into_iter().partition(|item| item.starts_with('-'));
        check_key_rows(lesson, &scenes, &of_keys);
        assert!(!of_scenes.is_empty(), "{}: other scenes are explained too", lesson.name);
        of_scenes.iter().for_each(|point| check_scene(lesson, &scenes, point));
        check_systems(lesson, &scenes, section);
    }
}
