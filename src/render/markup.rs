//! HTML and SVG as they are written: elements, and text that is taken for text.

use std::fmt::{self, Display, Write};

use crate::vocabulary::escape;

/// A page that is being written. All text goes through [`Text`].
pub(super) struct Page(pub(super) String);

impl Page {
    /// Adds markup.
    pub(super) fn add(&mut self, markup: fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(markup);
    }

    /// An element with nothing but text in it.
    pub(super) fn element(&mut self, name: &str, text: impl Display) {
        self.add(format_args!("<{name}>{}</{name}>\n", Text(text)));
    }

    /// A list with an item for each text.
    pub(super) fn list(&mut self, name: &str, items: impl Iterator<Item = impl Display>) {
        self.add(format_args!("<{name}>\n"));
        items.for_each(|item| self.element("li", item));
        self.add(format_args!("</{}>\n", name.split(' ').next().unwrap_or(name)));
    }

    /// The head of a table.
    pub(super) fn head(&mut self, caption: impl Display, titles: &[&str]) {
        self.add(format_args!("<table>\n<caption>{}</caption>\n<thead><tr>", Text(caption)));
        titles.iter().for_each(|title| self.add(format_args!("<th scope=\"col\">{title}</th>")));
        self.0.push_str("</tr></thead>\n");
    }

    /// Something that the reader has to ask for; `of` tells those who hear it out of its place what it belongs to.
    pub(super) fn hidden(&mut self, summary: &str, of: &str, content: impl FnOnce(&mut Page)) {
        self.details("", summary, of, content);
    }

    /// The same, and on paper it is there in any case.
    pub(super) fn printed(&mut self, summary: &str, of: &str, content: impl FnOnce(&mut Page)) {
        self.details(" class=\"printed\"", summary, of, content);
    }

    fn details(&mut self, attributes: &str, summary: &str, of: &str, content: impl FnOnce(&mut Page)) {
        let hidden = format!("<span class=\"visually-hidden\"> ({of})</span>");
        self.add(format_args!("<details{attributes}>\n<summary>{summary}{hidden}</summary>\n"));
        content(self);
        self.0.push_str("</details>\n");
    }

    /// Something that may be wider than the page and can then be moved, also by keyboard.
    pub(super) fn wide(&mut self, label: impl Display, content: impl FnOnce(&mut Page)) {
        let label = Text(label);
        self.add(format_args!("<div class=\"wide\" role=\"group\" tabindex=\"0\" aria-label=\"{label}\">\n"));
        content(self);
        self.0.push_str("</div>\n");
    }
}

/// Text that HTML takes for text, also in an attribute. Characters that would act on the text around them are named.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.0.to_string()).chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_takes_text_for_text() {
        let text = Text("<b> &amp; \"x\" 'y' \u{202e}z\u{7}\n你好").to_string();
        assert_eq!(text, "&lt;b&gt; &amp;amp; &quot;x&quot; &#39;y&#39; \\u{202e}z\\u{7}\\n你好");
    }
}
