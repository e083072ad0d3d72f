//! Results as a handout: one page of HTML that fetches nothing and runs nothing. What was observed is hidden until the
//! reader asks for it, and so is what was expected: it is the answer to the question above it.

use super::markup::{Page, Text};
use super::phrases::{TALLY, USUAL, counts, each_once, has_usual, outcome, property, summary, verdict};
use super::picture::Picture;
use super::trace::shell_word;
use super::{Results, svg};
use crate::vocabulary::{Report, Row, Verdict};

/// How the page looks on screens, in light and dark, and on paper.
const STYLE: &str = include_str!("handout.css");

/// Longest command that the page asks its readers to type, in characters.
const LONGEST_COMMAND: usize = 200;

/// The handout of a run.
pub fn reports(results: &Results<'_>) -> String {
    let name = match results.reports {
        [only] => only.lesson,
        _ => "every lesson",
    };
    let mut page = Page(String::new());
    page.0.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.0.push_str("<meta http-equiv=\"Content-Security-Policy\" ");
    page.0.push_str("content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.0.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.element("title", format_args!("UDP handout: {name}"));
    page.0.push_str("<style>\n");
    page.0.push_str(STYLE);
    page.0.push_str("</style>\n</head>\n<body>\n<main>\n");
    page.element("h1", format_args!("UDP handout: {name}"));
    page.element(
        "p",
        "Before the run, choose an answer and write down what you expect. Then run it, and write down what you saw. \
         At the end open what is hidden on this page, and compare.",
    );
    if results.reports.len() > 1 {
        contents(&mut page, results.reports);
    }
    for report in results.reports {
        lesson(&mut page, report, results);
    }
    if results.reports.len() > 1 {
        tallies(&mut page, results);
    }
    page.0.push_str("</main>\n</body>\n</html>\n");
    page.0
}

fn contents(page: &mut Page, reports: &[Report]) {
    page.0.push_str("<nav aria-label=\"Lessons\">\n<ul>\n");
    for Report { lesson, title, .. } in reports {
        page.add(format_args!("<li><a href=\"#{lesson}\">{lesson}</a>: {}</li>\n", Text(title)));
    }
    page.0.push_str("</ul>\n</nav>\n");
}

fn lesson(page: &mut Page, report: &Report, results: &Results<'_>) {
    let name = report.lesson;
    page.add(format_args!("<section aria-labelledby=\"{name}\">\n<h2 id=\"{name}\">{name}: "));
    page.add(format_args!("{}</h2>\n<p class=\"question\">{}</p>\n", Text(report.title), Text(report.question)));
    page.element("h3", "Before: what do you expect?");
    page.list("ol type=\"a\"", report.guess.answers.iter());
    page.hidden("The answer", name, |page| {
        outcome(report, None).iter().for_each(|line| page.element("p", line));
        page.element("p", format_args!("Why: {}", report.why));
    });
    page.element("h3", "The run");
    command(page, report, results);
    worksheet(page, report);
    page.element("h3", "After: what happened?");
    page.hidden("What was observed", name, |page| seen(page, report, results));
    page.hidden("Who says so", name, |page| {
        let sources = each_once(report.rows().map(|row| row.source));
        page.list("ul", sources.iter().map(|source| format!("{source}: {}.", source.says)));
    });
    page.add(format_args!("<p>Next: <code>udp-lab {}</code></p>\n</section>\n", report.next));
}

/// The command that shows the same again, as far as one can type it.
fn command(page: &mut Page, report: &Report, results: &Results<'_>) {
    let own = [report.lesson.to_owned()];
    let arguments = if results.reports.len() > 1 { &own } else { results.arguments };
    let words: String = arguments.iter().map(|argument| format!(" {}", shell_word(argument, false))).collect();
    if words.chars().count() <= LONGEST_COMMAND {
        page.add(format_args!("<p><code>udp-lab{}</code></p>\n", Text(words)));
    } else {
        page.add(format_args!("<p><code>udp-lab {}</code>, with the messages of this run</p>\n", report.lesson));
    }
}

/// A table to be filled in by hand.
fn worksheet(page: &mut Page, report: &Report) {
    page.head("To fill in", &["Property", "I expect", "I saw"]);
    rows(page, report, 3, |page, _| page.0.push_str("<td></td><td></td>"));
    page.0.push_str("</table>\n");
    if has_usual(report) {
        page.element("p", USUAL);
    }
}

/// The picture and the table of a run.
fn seen(page: &mut Page, report: &Report, results: &Results<'_>) {
    if results.options.ladder {
        picture(page, report);
    }
    page.wide(format_args!("Table: {}", report.lesson), |page| {
        let titles = ["Property", "Expected", "Observed", "Verdict", "Source"];
        page.head(format_args!("What {} did", results.host.short()), &titles);
        rows(page, report, titles.len(), judged);
        page.0.push_str("</table>\n");
    });
    page.element("p", summary(report.tally(), results.host));
    if has_usual(report) {
        page.element("p", USUAL);
    }
    report.notes().iter().for_each(|note| page.element("p", format_args!("Note: {note}.")));
}

/// The body of a table: the scenes, their rows, and whatever cells follow the property.
fn rows(page: &mut Page, report: &Report, columns: usize, cells: impl Fn(&mut Page, &Row)) {
    for scene in &report.scenes {
        let title = Text(&scene.title);
        page.add(format_args!("<tbody>\n<tr><th colspan=\"{columns}\" scope=\"rowgroup\">{title}</th></tr>\n"));
        for row in &scene.rows {
            let property = property(&row.property, row.strength, row.verdict == Verdict::Info);
            page.add(format_args!("<tr><th scope=\"row\">{}</th>", Text(property)));
            cells(page, row);
            page.0.push_str("</tr>\n");
        }
        page.0.push_str("</tbody>\n");
    }
}

fn judged(page: &mut Page, row: &Row) {
    page.add(format_args!("<td>{}</td><td>{}</td>", Text(&row.expected), Text(&row.observed)));
    page.add(format_args!("<td class=\"{}\">{}</td>", row.verdict.word(), Text(verdict(row))));
    page.add(format_args!("<td>{}</td>", Text(row.source)));
}

fn picture(page: &mut Page, report: &Report) {
    match Picture::of(report) {
        Some(Picture::Ladder(ladder)) => {
            let caption = format!("Who sent what to whom: {}", ladder.title);
            figure(page, &caption, ladder.in_words(), |page| svg::ladder(page, &ladder));
        }
        Some(Picture::Bars(scenes)) => scenes.iter().for_each(|scene| {
            let caption = format!("Who was served when: {}", scene.caption());
            figure(page, &caption, scene.in_words(), |page| svg::bars(page, scene, &scenes));
        }),
        None => {}
    }
}

/// A drawing, and the same in words: a list is easier to hear than one long description.
fn figure(page: &mut Page, caption: &str, words: impl Iterator<Item = String>, draw: impl FnOnce(&mut Page)) {
    page.0.push_str("<figure>\n");
    page.element("figcaption", caption);
    page.wide(format_args!("Picture: {caption}"), draw);
    page.hidden("The picture in words", &Text(caption).to_string(), |page| page.list("ol", words));
    page.0.push_str("</figure>\n");
}

fn tallies(page: &mut Page, results: &Results<'_>) {
    page.0.push_str("<section aria-labelledby=\"all\">\n<h2 id=\"all\">all: every lesson</h2>\n");
    page.hidden("How it went", "all", |page| {
        page.head("Verdicts", &TALLY);
        page.0.push_str("<tbody>\n");
        for report in results.reports {
            page.add(format_args!("<tr><th scope=\"row\">{}</th>", report.lesson));
            counts(report.tally()).iter().for_each(|count| page.add(format_args!("<td>{count}</td>")));
            page.0.push_str("</tr>\n");
        }
        page.0.push_str("</tbody>\n</table>\n");
        results.sum().into_iter().for_each(|sum| page.element("p", summary(sum, results.host)));
    });
    page.0.push_str("</section>\n");
}
