//! A teacher's page for the terminal: the part of Markdown that the pages are written in.

use std::iter::Peekable;
use std::str::Lines;

use textwrap::{Options, WordSplitter};

use super::sheet::BOLD;
use super::{Look, sheet};

/// Draws `markdown`. Transcripts stay as they are, whatever the width.
pub fn page(markdown: &str, look: Look) -> String {
    let mut text = String::new();
    let mut lines = markdown.lines().peekable();
    let mut last = None;
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let kind = Kind::of(line);
        if last.is_some_and(|last| (last, kind) != (Kind::Item, Kind::Item)) {
            text.push('\n');
        }
        text.push_str(&block(kind, line, &mut lines, look));
        text.push('\n');
        last = Some(kind);
    }
    text
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Heading,
    Code,
    Table,
    Quote,
    Item,
    Text,
}

impl Kind {
    fn of(line: &str) -> Self {
        match line.as_bytes() {
            [b'#', ..] => Kind::Heading,
            [b'`', b'`', b'`', ..] => Kind::Code,
            [b'|', ..] => Kind::Table,
            [b'>', ..] => Kind::Quote,
            _ if mark(line).is_some() => Kind::Item,
            _ => Kind::Text,
        }
    }
}

/// The mark of a list's item: `- ` or `1. `.
fn mark(line: &str) -> Option<&str> {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if number.len() < line.len() { number.strip_prefix(". ") } else { line.strip_prefix("- ") };
    rest.map(|rest| &line[..line.len() - rest.len()])
}

fn block(kind: Kind, line: &str, lines: &mut Peekable<Lines<'_>>, look: Look) -> String {
    let mut following = |wanted: Kind| {
        let mut block = vec![line];
        while let Some(line) = lines.next_if(|line| !line.is_empty() && Kind::of(line) == wanted) {
            block.push(line);
        }
        block
    };
    match kind {
        Kind::Heading => fill(&format!("**{}**", line.trim_start_matches('#').trim()), "", "", look),
        Kind::Code => {
            let code: Vec<_> = lines.take_while(|line| !line.starts_with("```")).collect();
            code.iter()
                .map(|line| format!("    {}", drawn(line, look)).trim_end().to_owned())
                .collect::<Vec<_>>()
                .join("\n")
        }
        Kind::Table => table(&following(Kind::Table), look),
        Kind::Quote => {
            let quote: Vec<_> = following(Kind::Quote).iter().map(|line| line.trim_start_matches('>').trim()).collect();
            fill(&quote.join(" "), "    ", "    ", look)
        }
        Kind::Item => {
            let mark = mark(line).unwrap_or_default();
            let item: Vec<_> = following(Kind::Text).iter().map(|line| line.trim()).collect();
            fill(&item.join(" ")[mark.len()..], mark, &" ".repeat(mark.len()), look)
        }
        Kind::Text => fill(&following(Kind::Text).join(" "), "", "", look),
    }
}

fn fill(text: &str, first: &str, other: &str, look: Look) -> String {
    let options = Options::new(look.width.into()).initial_indent(first).subsequent_indent(other);
    // Commands and options are not to be broken at their hyphens.
    textwrap::fill(&inline(&look.text(text), true), options.word_splitter(WordSplitter::NoHyphenation))
}

fn table(lines: &[&str], look: Look) -> String {
    let mut rows = lines.iter().map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| inline(&look.text(cell.trim()), false)).collect::<Vec<_>>()
    });
    let header = rows.next().unwrap_or_default();
    let mut table = sheet::empty(look, &header.iter().map(String::as_str).collect::<Vec<_>>());
    // The second line only says that the first one is the header.
    table.add_rows(rows.skip(1));
    table.to_string()
}

/// Text without its marks: code and strong words are bold where `bold` allows it, a link is its text.
fn inline(text: &str, bold: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let (mut code, mut strong) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let before = code || strong;
        if c == '`' {
            code = !code;
            rest = &rest[1..];
        } else if !code && rest.starts_with("**") {
            strong = !strong;
            rest = &rest[2..];
        } else if let Some((link, after)) = link(rest).filter(|_| !code) {
            shown.push_str(&inline(link, bold && !strong));
            rest = after;
        } else {
            shown.push(c);
            rest = &rest[c.len_utf8()..];
        }
        match (bold, before, code || strong) {
            (true, false, true) => shown.push_str(&BOLD.render().to_string()),
            (true, true, false) => shown.push_str(&BOLD.render_reset().to_string()),
            _ => {}
        }
    }
    shown
}

/// The text of the link that `text` begins with, and what follows it.
fn link(text: &str) -> Option<(&str, &str)> {
    let (link, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (_, after) = rest.split_once(')')?;
    (!link.contains(['[', ']'])).then_some((link, after))
}

/// A line of a transcript; its frames in ASCII where only that may be used.
fn drawn(line: &str, look: Look) -> String {
    if !look.ascii {
        return line.to_owned();
    }
    let plain = line.chars().map(|c| match c {
        '─' => '-',
        '│' | '┆' => '|',
        '═' => '=',
        '█' => '#',
        '✗' => 'x',
        '\u{2500}'..='\u{257f}' => '+',
        c => c,
    });
    look.text(&plain.collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { width: 60, ascii: false, ladder: true, why: true };

    fn plain(markdown: &str) -> String {
        anstream::adapter::strip_str(&page(markdown, LOOK)).to_string()
    }

    #[test]
    fn marks_are_taken_away_and_code_is_not() {
        assert_eq!(plain("# A `b` **c**\n\ntext [link](to.md), `a ** [x](y)`"), "A b c\n\ntext link, a ** [x](y)\n");
        assert_eq!(plain("```console\n$ a `b`\n\n  c\n```\nend"), "    $ a `b`\n\n      c\n\nend\n");
    }

    #[test]
    fn lists_are_wrapped_under_their_marks() {
        let words = "word ".repeat(14);
        let text = plain(&format!("1. {words}\n   more\n2. two\n\n> a\n> b"));
        assert_eq!(text.lines().nth(1).unwrap().find("word"), Some(3), "{text}");
        assert!(text.ends_with("more\n2. two\n\n    a b\n"), "{text}");
    }

    #[test]
    fn strong_words_with_code_stay_strong() {
        assert_eq!(inline("**If `a` b** c", true), format!("{BOLD}If a b{BOLD:#} c"));
    }
}
