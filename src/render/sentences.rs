//! What tutorials say of TCP and UDP, whether it holds, and the rows that show it.

use anstyle::{AnsiColor, Color, Style};

use super::phrases::because;
use super::sheet::BOLD;
use super::side_by_side::{Pair, in_short};
use super::table::{heading, line};
use super::{RenderOptions, columns_of};
use crate::vocabulary::{Report, SceneReport, Sentence, Truth};

/// What stands below a sentence begins so far to the right.
const INDENT: &str = "   ";

/// Between the columns below a sentence.
const GAP: usize = 2;

/// With less room for the property, its two values do not stand in columns.
const LEAST_PROPERTY: usize = 30;

/// A scene that puts a sentence to the test.
struct Tested<'r> {
    scene: &'r SceneReport,
    sentence: Sentence,
    truth: Truth,
}

impl<'r> Tested<'r> {
    fn of(scene: &'r SceneReport) -> Option<Tested<'r>> {
        scene.tested().map(|(sentence, truth)| Tested { scene, sentence, truth })
    }

    /// The verdict, and why.
    fn judgement(&self, indent: &str, options: RenderOptions) -> String {
        let words = self.truth.words();
        let why = because(self.sentence, self.truth, &self.scene.rows);
        let wrapped = options.wrap(&format!("{indent}{words}: {why}"), indent);
        let style = match self.truth {
            Truth::Holds | Truth::Loosely | Truth::NotAsPut => BOLD,
            Truth::NotAsExpected => bold_in(AnsiColor::Red),
            Truth::NotObserved => bold_in(AnsiColor::Yellow),
        };
        wrapped.replacen(words, &format!("{style}{words}{style:#}"), 1) + "\n"
    }

    /// The pairs with a row that answers the lesson's question.
    fn key_lines(&self, report: &Report, options: RenderOptions) -> Vec<Line> {
        let is_key = |pair: &&Pair<'_>| pair.rows().any(|row| report.keys.contains(&row.id.as_str()));
        Pair::all(&self.scene.rows).iter().filter(is_key).map(|pair| Line::of(pair, options)).collect()
    }
}

const fn bold_in(colour: AnsiColor) -> Style {
    BOLD.fg_color(Some(Color::Ansi(colour)))
}

/// The heading of a scene: its title, or the sentence that it puts to the test, with the verdict.
pub(super) fn scene_heading(scene: &SceneReport, options: RenderOptions) -> String {
    let titled = |title: &str| heading(&format!("Scene {}, {}: {title}", scene.number, scene.id), options);
    match Tested::of(scene) {
        None => titled(&scene.title),
        Some(tested) => {
            let sentence = titled(&format!("\"{}\"", tested.sentence.text));
            sentence + &tested.judgement("", options)
        }
    }
}

/// Each sentence that the lesson puts to the test, with its verdict and the rows that answer the question; nothing
/// where there is no sentence.
pub(super) fn all(report: &Report, options: RenderOptions) -> Option<String> {
    let sentences: Vec<Tested<'_>> = report.scenes.iter().filter_map(Tested::of).collect();
    let lines: Vec<_> = sentences.iter().map(|tested| tested.key_lines(report, options)).collect();
    let columns = Columns::of(lines.iter().flatten(), options);
    let mut text = String::new();
    for (tested, lines) in sentences.iter().zip(&lines) {
        line(&mut text, &options.wrap(&format!("{}. {}", tested.scene.number, tested.sentence.text), INDENT));
        text.push_str(&tested.judgement(INDENT, options));
        lines.iter().for_each(|pair| text.push_str(&pair.draw(columns.as_ref(), options)));
    }
    (!sentences.is_empty()).then_some(text)
}

/// Each sentence with its verdict, and no more; nothing where there is none.
pub(super) fn in_brief(report: &Report, options: RenderOptions) -> String {
    let line = |(scene, sentence, truth): (&SceneReport, Sentence, Truth)| {
        options.wrap(&format!("{}. {}: {}", scene.number, sentence.text, truth.words()), INDENT) + "\n"
    };
    report.tested().into_iter().map(line).collect()
}

/// A pair on one line.
struct Line {
    property: String,
    tcp: String,
    udp: String,
}

impl Line {
    fn of(pair: &Pair<'_>, options: RenderOptions) -> Self {
        let named = |name: &str, value: &str| match value {
            "" => String::new(),
            value => options.line(&format!("{name} {value}")),
        };
        let [tcp, udp] = pair.values(in_short);
        Line { property: options.line(&pair.property()), tcp: named("TCP", &tcp), udp: named("UDP", &udp) }
    }

    /// The property with the values in columns beside it, or behind it where there are none.
    fn draw(&self, columns: Option<&Columns>, options: RenderOptions) -> String {
        let Line { property, tcp, udp } = self;
        let Some(columns) = columns else {
            let values: Vec<&str> =
                [tcp, udp].into_iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
            return options.wrap(&format!("{INDENT}{property}: {}", values.join(", ")), INDENT) + "\n";
        };
        let mut text = String::new();
        let mut values = format!("{}{udp}", padded(tcp, columns.tcp + GAP));
        for part in textwrap::wrap(property, columns.property) {
            let drawn = format!("{INDENT}{}{values}", padded(&part, columns.property + GAP));
            line(&mut text, drawn.trim_end());
            values.clear();
        }
        text
    }
}

/// How wide the columns below the sentences are; the last one has what is left.
struct Columns {
    property: usize,
    tcp: usize,
}

impl Columns {
    /// Columns for all `lines`; nothing where they would leave too little room for the properties.
    fn of<'l>(lines: impl Iterator<Item = &'l Line> + Clone, options: RenderOptions) -> Option<Columns> {
        let widest = |text: fn(&Line) -> &str| lines.clone().map(|line| columns_of(text(line))).max().unwrap_or(0);
        let longest = widest(|line| &line.property);
        let (tcp, udp) = (widest(|line| &line.tcp), widest(|line| &line.udp));
        let room = usize::from(options.width).checked_sub(INDENT.len() + tcp + udp + 2 * GAP)?;
        (room >= LEAST_PROPERTY.min(longest)).then(|| Columns { property: longest.min(room), tcp })
    }
}

/// `text` with blanks behind it, up to `width` columns.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns_of(text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Observation, Os, judge, sources, specified, tcp, udp};

    fn options(width: u16) -> RenderOptions {
        RenderOptions {
            width,
            ascii: false,
            ladder: true,
            why: false,
            detail: crate::render::Detail::Answer,
            byte_order_mark: false,
        }
    }

    fn drawn(width: u16) -> String {
        let claims =
            [tcp, udp].map(|side| specified("id", side("the next read or receive returns"), 1, &sources::RFC768));
        let rows = claims.map(|claim| judge(&claim, Os::Linux, &Observation::Seen(1.into())));
        let lines: Vec<Line> = Pair::all(&rows).iter().map(|pair| Line::of(pair, options(width))).collect();
        lines[0].draw(Columns::of(lines.iter(), options(width)).as_ref(), options(width))
    }

    #[test]
    fn values_stand_in_columns_where_there_is_room() {
        assert_eq!(drawn(60), "   the next read or receive returns  TCP 1  UDP 1\n");
        assert_eq!(drawn(48), "   the next read or receive         TCP 1  UDP 1\n   returns\n");
        assert_eq!(drawn(40), "   the next read or receive returns: TCP\n   1, UDP 1\n");
    }
}
