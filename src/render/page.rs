//! A teacher's page for the terminal.

use std::iter::Peekable;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use textwrap::WordSplitter;
use textwrap::core::display_width;

use super::sheet::{BOLD, LEAST_FOR_FRAMES};
use super::table::in_lines;
use super::{RenderOptions, sheet};

/// What stands in front of the lines of a transcript, where there is room.
const INDENT: usize = 4;

type Events<'a> = Peekable<Parser<'a>>;

/// Draws `markdown`. Transcripts stay as they are, whatever the width.
pub fn page(markdown: &str, options: RenderOptions) -> String {
    blocks(&mut Parser::new_ext(markdown, Options::ENABLE_TABLES).peekable(), options) + "\n"
}

/// The blocks up to the end of the quote, the item or the page that they are in.
fn blocks(events: &mut Events<'_>, options: RenderOptions) -> String {
    let mut blocks = Vec::new();
    loop {
        let text = inline(events, options);
        if !text.is_empty() {
            blocks.push(fill(&styled(&text), options));
        }
        match events.next() {
            None | Some(Event::End(TagEnd::BlockQuote(_) | TagEnd::Item)) => return blocks.join("\n\n"),
            Some(Event::Start(Tag::Heading { .. })) => {
                let text = inline(events, options).into_iter().map(|(text, _)| text).collect();
                blocks.push(fill(&styled(&[(text, true)]), options));
            }
            Some(Event::Start(Tag::CodeBlock(_))) => blocks.push(transcript(events, options)),
            Some(Event::Start(Tag::BlockQuote(_))) => blocks.push(indented("    ", events, options)),
            Some(Event::Start(Tag::List(first))) => blocks.push(list(events, first, options)),
            Some(Event::Start(Tag::Table(_))) => blocks.push(table(events, options)),
            // The beginnings and ends of paragraphs: their text is taken as text.
            Some(_) => {}
        }
    }
}

/// The blocks of a quote or an item, with `mark` in front of the first line and room for it in front of the others.
fn indented(mark: &str, events: &mut Events<'_>, options: RenderOptions) -> String {
    let room = u16::try_from(mark.len()).unwrap_or(0);
    let text = blocks(events, RenderOptions { width: options.width.saturating_sub(room), ..options });
    let text = textwrap::indent(&text, &" ".repeat(mark.len()));
    mark.to_owned() + text.get(mark.len()..).unwrap_or_default()
}

fn list(events: &mut Events<'_>, first: Option<u64>, options: RenderOptions) -> String {
    let mut items = Vec::new();
    let mut number = first;
    while let Some(Event::Start(Tag::Item)) = events.next() {
        let mark = number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
        items.push(indented(&mark, events, options));
        number = number.map(|number| number + 1);
    }
    items.join("\n")
}

fn table(events: &mut Events<'_>, options: RenderOptions) -> String {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    loop {
        match events.next() {
            None | Some(Event::End(TagEnd::Table)) => break,
            Some(Event::Start(Tag::TableCell)) => {
                row.push(inline(events, options).into_iter().map(|(text, _)| text).collect::<String>());
            }
            Some(Event::End(TagEnd::TableHead | TagEnd::TableRow)) => rows.push(std::mem::take(&mut row)),
            Some(_) => {}
        }
    }
    let mut rows = rows.into_iter();
    let header = rows.next().unwrap_or_default();
    if options.width < LEAST_FOR_FRAMES {
        let lines: String = rows.map(|row| in_lines(&header, &row, options)).collect();
        return lines.trim_end().to_owned();
    }
    let mut table = sheet::empty(options, &header.iter().map(String::as_str).collect::<Vec<_>>());
    table.add_rows(rows);
    table.to_string()
}

fn transcript(events: &mut Events<'_>, options: RenderOptions) -> String {
    let mut code = String::new();
    while let Some(Event::Text(text)) = events.next() {
        code.push_str(&text);
    }
    let lines: Vec<String> = code.lines().map(|line| drawn(line, options)).collect();
    let widest = lines.iter().map(|line| display_width(line)).max().unwrap_or(0);
    // What fits without its indent is not broken for it.
    let indent = match usize::from(options.width).checked_sub(widest) {
        Some(left) => left.min(INDENT),
        None => INDENT,
    };
    let lines = lines.iter().map(|line| format!("{:indent$}{line}", "").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// The text that comes next, in pieces, each with whether it is strong: code is as well. A link is its text.
fn inline(events: &mut Events<'_>, options: RenderOptions) -> Vec<(String, bool)> {
    let mut pieces = Vec::new();
    let mut strong = 0;
    loop {
        match events.next_if(is_inline) {
            None => return pieces,
            Some(Event::Start(Tag::Strong)) => strong += 1,
            Some(Event::End(TagEnd::Strong)) => strong -= 1,
            // The marks stay: without colour, or in a pager, nothing else would tell a row's name from the sentence
            // around it.
            Some(Event::Code(code)) => pieces.push((format!("`{}`", options.text(&code)), true)),
            Some(Event::Text(text) | Event::Html(text) | Event::InlineHtml(text)) => {
                pieces.push((options.text(&text).into_owned(), strong > 0));
            }
            Some(Event::SoftBreak | Event::HardBreak) => pieces.push((" ".to_owned(), strong > 0)),
            Some(_) => {}
        }
    }
}

fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Start(tag) => {
            matches!(tag, Tag::Strong | Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. })
        }
        Event::End(tag) => matches!(tag, TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link | TagEnd::Image),
        Event::Rule => false,
        _ => true,
    }
}

fn styled(pieces: &[(String, bool)]) -> String {
    let runs = pieces.chunk_by(|(_, one), (_, next)| one == next);
    let draw = |run: &[(String, bool)]| {
        let text: String = run.iter().map(|(text, _)| text.as_str()).collect();
        if run[0].1 { format!("{BOLD}{text}{BOLD:#}") } else { text }
    };
    runs.map(draw).collect()
}

fn fill(text: &str, options: RenderOptions) -> String {
    // Commands and options are not to be broken at their hyphens.
    textwrap::fill(text, textwrap::Options::new(options.width.into()).word_splitter(WordSplitter::NoHyphenation))
}

/// A line of a transcript; its frames in ASCII where only that may be used.
fn drawn(line: &str, options: RenderOptions) -> String {
    if !options.ascii {
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
    options.text(&plain.collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: RenderOptions = RenderOptions::everything(60);

    fn plain(markdown: &str) -> String {
        anstream::adapter::strip_str(&page(markdown, OPTIONS)).to_string()
    }

    #[test]
    fn marks_are_taken_away_but_those_of_code() {
        assert_eq!(
            plain("# A `b` **c**\n\ntext [link](to.md), `a ** [x](y)`"),
            "A `b` c\n\ntext link, `a ** [x](y)`\n"
        );
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
        assert_eq!(page("**If `a` b** c", OPTIONS), format!("{BOLD}If `a` b{BOLD:#} c\n"));
    }

    #[test]
    fn blocks_in_blocks_keep_their_indents() {
        assert_eq!(plain("- a\n\n  b\n  - c\n- d\n\n> e\n> - f"), "- a\n\n  b\n\n  - c\n- d\n\n    e\n\n    - f\n");
        assert_eq!(plain("9. a\n10. b\n\n| `a` | b |\n|---|---|\n| *c* | d\\|e |").lines().nth(1), Some("10. b"));
    }
}
