//! Which characters of a text from outside are written as they are, and how the others are.
//!
//! What a person would read is written as it is; what nobody would see, or what would act on a terminal or on the text
//! around it, is escaped. By Unicode's properties (UAX #44):
//!
//! - **Written:** letters, numbers, punctuation and symbols (`General_Category` L, N, P, S), and U+0020 SPACE.
//! - **Written behind one of these, but for the space:** marks (M), of which variation selectors are some, and the two
//!   characters with `Join_Control`, U+200C and U+200D. At the start, or behind something escaped, they have nothing to
//!   stand on, and are escaped.
//! - **Escaped:** all else. Controls, format characters, private use and what is not assigned (C); other spaces and
//!   the separators of lines and paragraphs (Z), which look like U+0020 or break the line; and what has
//!   `Default_Ignorable_Code_Point`, but for one variation selector or joiner at a time: a run of them would hide a
//!   text.

use std::borrow::Cow;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Letters and marks with `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt of Unicode 17): Hangul fillers,
/// vowels without a form, the grapheme joiner, and variation selectors. What else has it is in C.
const IGNORABLE: [std::ops::RangeInclusive<char>; 8] = [
    '\u{34f}'..='\u{34f}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{e0100}'..='\u{e01ef}',
];

/// What stands before a character.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// Nothing that a mark could stand on.
    #[default]
    Nothing,
    /// Something that is seen.
    Seen,
    /// A variation selector behind something that is seen.
    Varied,
    /// A joiner behind something that is seen.
    Joined,
}

/// Reads a text from its start and tells of each character whether it is written as it is.
#[derive(Default)]
pub struct EscapeState {
    before: Before,
}

impl EscapeState {
    /// Whether the next character, `c`, is written as it is.
    pub fn shows(&mut self, c: char) -> bool {
        if c == ' ' {
            self.before = Before::Nothing;
            return true;
        }
        self.before = self.behind(c);
        self.before != Before::Nothing
    }

    /// What is before the next character, where `c` is behind what was before.
    fn behind(&self, c: char) -> Before {
        let on = |may: bool, then| if may { then } else { Before::Nothing };
        match c {
            '!'..='~' => Before::Seen,
            // They may follow a variation selector, as in most joined emoji.
            '\u{200c}' | '\u{200d}' => on(matches!(self.before, Before::Seen | Before::Varied), Before::Joined),
            '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                on(self.before == Before::Seen, Before::Varied)
            }
            c if IGNORABLE.iter().any(|range| range.contains(&c)) => Before::Nothing,
            c => match c.general_category_group() {
                GeneralCategoryGroup::Letter
                | GeneralCategoryGroup::Number
                | GeneralCategoryGroup::Punctuation
                | GeneralCategoryGroup::Symbol => Before::Seen,
                GeneralCategoryGroup::Mark => on(self.before != Before::Nothing, Before::Seen),
                GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator => Before::Nothing,
            },
        }
    }

    /// Something was escaped here, or a quotation begins.
    pub fn interrupt(&mut self) {
        self.before = Before::Nothing;
    }
}

/// `text` for a sentence: what would act or would not be seen is escaped, the end of a line too.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_but(text, |_| false)
}

/// As [`escape`], and what `passes` is written whatever it does.
pub fn escape_but(text: &str, passes: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut state = EscapeState::default();
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if state.shows(c) || passes(c) {
            escaped.push(c);
        } else {
            push_escaped(&mut escaped, c);
        }
    }
    Cow::Owned(escaped)
}

/// Writes `c` as in a Rust string.
pub(super) fn push_escaped(text: &mut String, c: char) {
    match c {
        '\0' | '\t' | '\r' | '\n' | '"' | '\\' => text.extend(c.escape_debug()),
        c => text.extend(c.escape_unicode()),
    }
}

/// `1 thread`, `2 threads`.
pub fn counted(count: impl ToString, thing: &str) -> String {
    let count = count.to_string();
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// `1 byte`, `2 bytes`.
pub fn bytes(count: usize) -> String {
    counted(count, "byte")
}

/// The texts as a list in a sentence: `1`; `1 and 2`; `1, 2 and 3`.
pub fn listed(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_shown(text: &str) -> bool {
        let mut state = EscapeState::default();
        text.chars().all(|c| state.shows(c))
    }

    #[test]
    fn what_people_write_is_shown() {
        for text in [
            "नमस्ते",
            "สวัสดี",
            "❤\u{fe0f}",
            "❤\u{fe0f}\u{200d}🔥",
            "👩\u{200d}👩\u{200d}👧 👍🏽 🇮🇳 1\u{fe0f}\u{20e3}",
            "re\u{301}sume\u{301}",
            "می\u{200c}خواهم",
            "שָׁלוֹם مَرْحَبًا",
            "ශ්\u{200d}රී",
            "한국어 \u{1112}\u{1161}\u{11ab} 日本語 你好",
            "葛\u{e0100}",
            "it's ½ € – “x” … ─╮",
        ] {
            assert!(is_shown(text), "{text:?}");
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn what_would_act_or_not_be_seen_is_escaped() {
        for text in [
            "\u{301}",
            "\u{fe0f}",
            "\u{200d}",
            " \u{301}",
            "a\u{fe0f}\u{fe0f}",
            "a\u{200d}\u{200d}",
            "a\u{200d}\u{fe00}",
            "a\u{34f}",
            "\u{3164}",
            "\u{115f}",
            "\u{ffa0}",
            "a\u{202e}",
            "a\u{200e}",
            "\u{ad}",
            "\u{feff}",
            "\u{e000}",
            "\u{a0}",
            "\u{3000}",
            "\u{2028}",
            "\u{85}",
            "\x1b",
            "\r",
            "\n",
            "\t",
            "\x7f",
            "🏴\u{e0067}",
            "\u{378}",
        ] {
            assert!(!is_shown(text), "{text:?}");
            assert!(escape(text).contains('\\'), "{text:?}");
        }
        assert_eq!(escape("a\u{202e}\u{301}b\r\n"), r"a\u{202e}\u{301}b\r\n");
        assert_eq!(escape_but("a\n\tb", |c| c == '\n'), "a\n\\tb");
    }

    /// The regular expressions of the tests have tables of their own.
    #[test]
    fn what_has_default_ignorable_code_point_and_is_no_joiner_nor_selector_is_never_shown() {
        let table = |property: &str| regex::Regex::new(&format!("^\\p{{{property}}}$")).unwrap();
        let ignorable = table("Default_Ignorable_Code_Point");
        let allowed = [table("Variation_Selector"), table("Join_Control")];
        let mut text = String::new();
        for c in '\0'..=char::MAX {
            text.clear();
            text.push(c);
            if ignorable.is_match(&text) {
                let allowed = allowed.iter().any(|property| property.is_match(&text));
                assert_eq!(is_shown(&format!("a{c}")), allowed, "{c:?}");
                assert!(!is_shown(&text), "{c:?}");
            }
        }
    }
}
