//! Results as Markdown; the ladder is a Mermaid sequence diagram, which Git hosts and many editors draw.

use std::fmt::Write;

use super::phrases::{TALLY, TYPICAL, answered, because, counts, has_typical, property, summary, verdict};
use super::picture::{Bars, Extent, Fate, Ladder, Picture, Step, What, milliseconds};
use super::{RenderOptions, Results};
use crate::vocabulary::{EscapeState, Machine, Report, Tally, Verdict};

/// Every lesson of a run in one document.
pub fn reports(results: &Results<'_>) -> String {
    let options = results.options;
    let page = match results.sum() {
        None => results.reports.iter().map(|each| report(each, results.host, options, "#")).collect(),
        Some(sum) => {
            let mut page = format!("# Every lesson of udp-lab\n\n{}", tallies(results, sum));
            for each in results.reports {
                let _ = write!(page, "\n{}", report(each, results.host, options, "##"));
            }
            page
        }
    };
    options.text(&page).into_owned()
}

/// A table without sections.
pub fn table<const N: usize>(header: [&str; N], rows: &[[&str; N]], options: RenderOptions) -> String {
    let rows = rows.iter().map(|cells| row(cells.map(escaped)));
    let table: String = [head(&header)].into_iter().chain(rows).collect();
    options.text(&table).into_owned()
}

/// The head of a table.
pub(super) fn head(titles: &[&str]) -> String {
    format!("{}|{}\n", row(titles), "---|".repeat(titles.len()))
}

/// A row of a table; the cells are Markdown already.
pub(super) fn row<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    cells.into_iter().fold(String::from("|"), |line, cell| line + " " + cell.as_ref() + " |") + "\n"
}

/// The row that names the scene of those below it, in a table of so many columns.
pub(super) fn scene_row(title: &str, columns: usize) -> String {
    format!("| **{}** |{}\n", escaped(title), " |".repeat(columns - 1))
}

/// Text that Markdown takes for text, also in a cell of a table.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '`' | '<' | '&' | '$' | '[' | ']' | '~' | '#') {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

/// Text in bold. Markdown takes no space for its first or last character.
fn bold(text: &str) -> String {
    match escaped(text).trim() {
        "" => String::new(),
        text => format!("**{text}**"),
    }
}

fn report(report: &Report, host: &Machine, options: RenderOptions, level: &str) -> String {
    let mut page = format!("{level} {}: {}\n\n{}\n", report.lesson, escaped(report.title), escaped(report.question));
    if let Some(answer) = report.answered() {
        let _ = writeln!(page, "\n{}", bold(&answered(&answer)));
    }
    let pictures = report.scenes.iter().filter_map(|scene| Picture::of_scene(scene, Extent::of(options.detail)));
    for picture in pictures.filter(|_| options.ladder) {
        page.push_str(&match picture {
            Picture::Ladder(ladder) => sequence_diagram(&ladder),
            Picture::Bars(scenes) => intervals(&scenes),
        });
    }
    page.push_str(&sentences(report));
    let titles = ["Property", "Expected", "Observed", "Verdict", "Source"];
    let _ = write!(page, "\n{}", head(&titles));
    for scene in &report.scenes {
        page.push_str(&scene_row(&scene.title, titles.len()));
        for judged in &scene.rows {
            let property = property(&judged.property, judged.strength, judged.verdict == Verdict::Info);
            let property = if report.is_key(judged) { bold(&property) } else { escaped(&property) };
            let others = [judged.expected.as_str(), &judged.observed, &verdict(judged), judged.source.cite];
            page.push_str(&row([property].into_iter().chain(others.map(escaped))));
        }
    }
    let _ = writeln!(page, "\n{}", escaped(&summary(report.tally(), host)));
    if report.key_rows().next().is_some() {
        page.push_str("\nIn bold: the rows on which the answer rests.\n");
    }
    if has_typical(report) {
        let _ = writeln!(page, "\n{}", escaped(TYPICAL));
    }
    for note in report.notes() {
        let _ = writeln!(page, "\nNote: {}.", escaped(note));
    }
    let _ = writeln!(page, "\n**Why:** {}\n\n**Next:** `udp-lab {}`", escaped(report.why), report.next);
    page
}

/// The sentences that the lesson puts to the test, each with its verdict; nothing where there is none.
fn sentences(report: &Report) -> String {
    let mut list = String::new();
    for scene in &report.scenes {
        let Some((sentence, truth)) = scene.tested() else { continue };
        let because = because(sentence, truth, &scene.rows);
        let _ = writeln!(list, "- \"{}\" **{}**: {}", escaped(sentence.text), truth.words(), escaped(&because));
    }
    if list.is_empty() { list } else { format!("\n{list}") }
}

fn tallies(results: &Results<'_>, sum: Tally) -> String {
    let lessons = results.reports.iter().map(|report| {
        row([report.lesson.to_owned()].into_iter().chain(counts(report.tally()).map(|count| count.to_string())))
    });
    let table: String = [head(&TALLY)].into_iter().chain(lessons).collect();
    format!("{table}\n{}\n", escaped(&summary(sum, results.host)))
}

fn sequence_diagram(ladder: &Ladder) -> String {
    let mut diagram = String::from("\n```mermaid\nsequenceDiagram\n");
    let _ = writeln!(diagram, "    title {}", mermaid(&ladder.title));
    for (lane, name) in ladder.lanes.iter().enumerate() {
        let _ = writeln!(diagram, "    participant lane{lane} as {}", mermaid(name));
    }
    for Step { at, lane, what } in &ladder.steps {
        let at = milliseconds(*at);
        let _ = match what {
            What::Sent { to, label, fate } => {
                let arrow = match fate {
                    Fate::Arrived => "->>",
                    Fate::Lost => "-x",
                    Fate::Unknown => "--)",
                };
                let label = mermaid(&format!("{label}{}", fate.in_words()));
                writeln!(diagram, "    lane{lane}{arrow}lane{to}: {label} ({at} ms)")
            }
            What::Mark { label, .. } => {
                writeln!(diagram, "    Note over lane{lane}: {} ({at} ms)", mermaid(&label.to_string()))
            }
            What::More(left_out) => {
                writeln!(diagram, "    Note over lane{lane}: {}", mermaid(&left_out.to_string()))
            }
        };
    }
    diagram + "```\n"
}

/// Text that Mermaid takes for text: what has a meaning to it, or to the page it draws into, is given by number.
fn mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut state = EscapeState::default();
    for c in text.chars() {
        let shown = state.shows(c);
        let means_itself =
            c.is_ascii_alphanumeric() || matches!(c, ' ' | '"' | '\'' | '.' | ',' | '(' | ')' | '-' | '_');
        if means_itself || shown && !c.is_ascii() {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

/// The handling intervals as a table: a Mermaid gantt has no unit smaller than a millisecond.
fn intervals(scenes: &[Bars]) -> String {
    let mut table = format!("\n{}", head(&["Served", "from ms", "to ms"]));
    for scene in scenes {
        table.push_str(&scene_row(&scene.title, 3));
        for bar in &scene.bars {
            table.push_str(&match bar {
                Some(bar) => row([escaped(&bar.client), milliseconds(bar.began), milliseconds(bar.ended)]),
                None => row([format!("({} more)", scene.left_out), String::new(), String::new()]),
            });
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_takes_text_for_text() {
        assert_eq!(escaped("a|b <script> &lt; `x` \\ [1]\n你好"), "a\\|b \\<script> \\&lt; \\`x\\` \\\\ \\[1\\] 你好");
    }

    #[test]
    fn mermaid_takes_text_for_text() {
        assert_eq!(
            mermaid("\"a;b#<br>%%{init}\" 你好, 3 cut"),
            "\"a#59;b#35;#60;br#62;#37;#37;#123;init#125;\" 你好, 3 cut"
        );
        for text in ["नमस्ते…", "❤\u{fe0f}"] {
            assert_eq!(mermaid(text), text);
        }
        assert_eq!(mermaid("\u{2028}"), "#8232;");
    }
}
