//! The terms of the field, from the page that has them.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// The page, in Markdown: a heading for each term, and below it what it means.
pub const PAGE: &str = include_str!("../../docs/glossary.md");

/// Each term, with what it means.
pub fn terms() -> Vec<(String, String)> {
    let mut terms: Vec<(String, String)> = Vec::new();
    let mut in_heading = false;
    for event in Parser::new(PAGE) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                terms.push(Default::default());
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(text) | Event::Code(text) => add(&mut terms, in_heading, &text),
            Event::SoftBreak => add(&mut terms, in_heading, " "),
            _ => {}
        }
    }
    // The page's own heading means nothing.
    terms.retain(|(_, meaning)| !meaning.is_empty());
    terms
}

fn add(terms: &mut [(String, String)], in_heading: bool, text: &str) {
    if let Some((term, meaning)) = terms.last_mut() {
        if in_heading { term.push_str(text) } else { meaning.push_str(text) }
    }
}
