//! Results as a handout: one page of HTML that fetches nothing and runs nothing. Before the answer there is the sheet
//! to fill in, with nothing that gives it away; what was observed is hidden until the reader asks for it. On paper the
//! sheet is the first page of a lesson, and the answer with its picture the next one.

use super::markup::{Page, Text};
use super::phrases::{
    TALLY, TYPICAL, answered, because, counts, each_once, has_typical, outcome, property, summary, verdict,
};
use super::picture::{Extent, Ladder, MOST_ON_A_SCREEN, Picture};
use super::trace::shell_word;
use super::{PROGRAM, Results, glossary, svg};
use crate::vocabulary::{Guess, Report, Row, SceneReport, Verdict};

/// How the page looks on screens, in light and dark, and on paper.
const STYLE: &str = include_str!("handout.css");

/// Longest command that the page asks its readers to type, in characters.
const LONGEST_COMMAND: usize = 200;

/// Most rows to fill in, with two cells each: as many as one writes with pleasure.
const MOST_TO_FILL_IN: usize = 6;

/// Empty rows below what is sent, to draw in what is received.
const ROOM_TO_DRAW: usize = 4;

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
    page.0.push_str("<p class=\"name\"><label>Name <input type=\"text\" autocomplete=\"name\"/></label></p>\n");
    page.element(
        "p",
        "Before the run, tick an answer and write down what you expect. Then run it, and write down what you saw. At the \
         end open what is hidden on this page, and compare. On paper the sheet is the first page of a lesson, and the answer \
         the next.",
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
    terms(&mut page);
    page.0.push_str("</main>\n</body>\n</html>\n");
    page.0
}

fn contents(page: &mut Page, reports: &[Report]) {
    page.0.push_str("<nav aria-label=\"Lessons\">\n<ul>\n");
    for Report { lesson, question, .. } in reports {
        page.add(format_args!("<li><a href=\"#{lesson}\">{lesson}</a>: {}</li>\n", Text(question)));
    }
    page.0.push_str("</ul>\n</nav>\n");
}

fn lesson(page: &mut Page, report: &Report, results: &Results<'_>) {
    let name = report.lesson;
    page.add(format_args!("<section aria-labelledby=\"{name}\">\n<h2 id=\"{name}\">{name}</h2>\n"));
    page.add(format_args!("<p class=\"question\">{}</p>\n", Text(report.question)));
    page.element("h3", "Before: what do you expect?");
    choices(page, &report.guess);
    if results.options.ladder {
        opening(page, report);
    }
    page.element("h3", "The run");
    command(page, report, results);
    worksheet(page, report);
    page.0.push_str("<h3 class=\"after\">After: what happened?</h3>\n");
    page.printed("The answer", name, |page| answer(page, report, results));
    page.hidden("All rows", name, |page| seen(page, report, results));
    if results.options.ladder {
        page.hidden("Who sent what, scene by scene", name, |page| {
            report.scenes.iter().for_each(|scene| pictures(page, scene));
        });
    }
    page.hidden("Who says so", name, |page| {
        let sources = each_once(report.rows().map(|row| row.source));
        page.list("ul", sources.iter().map(|source| format!("{source}: {}.", source.says)));
    });
    page.add(format_args!("<p>Next: <code>udp-lab {}</code></p>\n</section>\n", report.next));
}

/// The answers to choose from, each with a box to tick.
fn choices(page: &mut Page, guess: &Guess) {
    page.0.push_str("<ul class=\"choices\">\n");
    for place in 0..guess.answers.len() {
        let answer = guess.answer(place);
        page.add(format_args!("<li><label><input type=\"checkbox\"/> {}</label></li>\n", Text(answer)));
    }
    page.0.push_str("</ul>\n");
}

/// What the scene that answers the question sends before anything is received: the picture without the answer.
fn opening(page: &mut Page, report: &Report) {
    let Some(ladder) = key_scene(report).and_then(Ladder::before_the_first_receive) else { return };
    let caption = format!("This is sent in {}. Draw what is received.", report.lesson);
    figure(page, &caption, ladder.in_words(), |page| svg::ladder(page, &ladder, ROOM_TO_DRAW));
}

/// The scene that answers the question; the first one, where that was not run.
fn key_scene(report: &Report) -> Option<&SceneReport> {
    report.key_scene().or(report.scenes.first())
}

/// What the question's answer is, with its picture and its rows.
fn answer(page: &mut Page, report: &Report, results: &Results<'_>) {
    if let Some(answer) = report.answered() {
        page.element("p", answered(&answer));
    }
    outcome(report, None, PROGRAM).iter().for_each(|line| page.element("p", line));
    if results.options.ladder
        && let Some(picture) =
            key_scene(report).and_then(|scene| Picture::brief(scene, MOST_ON_A_SCREEN, MOST_ON_A_SCREEN))
    {
        draw(page, &picture);
    }
    page.head("To compare with", &["Property", "Expected", "Observed", "Verdict"]);
    page.0.push_str("<tbody>\n");
    for row in to_fill_in(report) {
        page.add(format_args!("<tr><th scope=\"row\">{}</th>", Text(&row.property)));
        judged(page, row);
        page.0.push_str("</tr>\n");
    }
    page.0.push_str("</tbody>\n</table>\n");
    page.element("p", summary(report.tally(), results.host));
    page.element("p", format_args!("Why: {}", report.why));
}

/// What was expected and observed of a row, and its verdict.
fn judged(page: &mut Page, row: &Row) {
    page.add(format_args!("<td>{}</td><td>{}</td>", Text(&row.expected), Text(&row.observed)));
    page.add(format_args!("<td class=\"{}\">{}</td>", row.verdict.word(), Text(verdict(row))));
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

/// The rows that answer the question, or the first others, where those were not run.
fn to_fill_in(report: &Report) -> Vec<&Row> {
    let mut rows: Vec<&Row> = report.key_rows().collect();
    if rows.is_empty() {
        rows = report.rows().collect();
    }
    rows.truncate(MOST_TO_FILL_IN);
    rows
}

/// A table to be filled in by hand.
fn worksheet(page: &mut Page, report: &Report) {
    page.head("To fill in", &["Property", "I expect", "I saw"]);
    page.0.push_str("<tbody>\n");
    for row in to_fill_in(report) {
        page.add(format_args!("<tr><th scope=\"row\">{}</th><td></td><td></td></tr>\n", Text(&row.property)));
    }
    page.0.push_str("</tbody>\n</table>\n");
}

/// Every row of a run, in a table.
fn seen(page: &mut Page, report: &Report, results: &Results<'_>) {
    let sentences: Vec<String> = report.scenes.iter().filter_map(sentence).collect();
    if !sentences.is_empty() {
        page.list("ul", sentences.iter());
    }
    page.wide(format_args!("Table: {}", report.lesson), |page| {
        let titles = ["Property", "Expected", "Observed", "Verdict", "Source"];
        page.head(format_args!("What {} did", results.host.short()), &titles);
        report.scenes.iter().for_each(|scene| rows(page, scene, titles.len()));
        page.0.push_str("</table>\n");
    });
    if has_typical(report) {
        page.element("p", TYPICAL);
    }
    report.notes().iter().for_each(|note| page.element("p", format_args!("Note: {note}.")));
}

/// The sentence that a scene puts to the test, with its verdict.
fn sentence(scene: &SceneReport) -> Option<String> {
    let (sentence, truth) = scene.tested()?;
    let because = because(sentence, truth, &scene.rows);
    Some(format!("\"{}\" {}: {because}", sentence.text, truth.words()))
}

/// The rows of a scene, with its title, as a body of a table with so many columns.
fn rows(page: &mut Page, scene: &SceneReport, columns: usize) {
    let title = Text(&scene.title);
    page.add(format_args!("<tbody>\n<tr><th colspan=\"{columns}\" scope=\"rowgroup\">{title}</th></tr>\n"));
    for row in &scene.rows {
        let property = property(&row.property, row.strength, row.verdict == Verdict::Info);
        page.add(format_args!("<tr><th scope=\"row\">{}</th>", Text(property)));
        judged(page, row);
        page.add(format_args!("<td>{}</td></tr>\n", Text(row.source)));
    }
    page.0.push_str("</tbody>\n");
}

/// All pictures of a scene: who was served when, where anybody was, and its ladder, end markers and all.
fn pictures(page: &mut Page, scene: &SceneReport) {
    if let Some(bars @ Picture::Bars(_)) = Picture::of_scene(scene, Extent::Whole) {
        draw(page, &bars);
    }
    if let Some(ladder) = Ladder::of(scene, Extent::Whole) {
        draw(page, &Picture::Ladder(ladder));
    }
}

fn draw(page: &mut Page, picture: &Picture) {
    match picture {
        Picture::Ladder(ladder) => {
            let caption = format!("Who sent what to whom: {}", ladder.title);
            figure(page, &caption, ladder.in_words(), |page| svg::ladder(page, ladder, 0));
        }
        Picture::Bars(scenes) => scenes.iter().for_each(|scene| {
            let caption = format!("Who was served when: {}", scene.caption());
            figure(page, &caption, scene.in_words(), |page| svg::bars(page, scene, scenes));
        }),
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

/// The terms of the field, folded.
fn terms(page: &mut Page) {
    page.0.push_str("<section aria-labelledby=\"terms\">\n<h2 id=\"terms\">The terms</h2>\n");
    page.0.push_str("<p>In a terminal: <code>udp-lab explain glossary</code></p>\n");
    page.hidden("Glossary", "the terms", |page| {
        page.0.push_str("<dl>\n");
        for (term, meaning) in glossary::terms() {
            page.element("dt", term);
            page.element("dd", meaning);
        }
        page.0.push_str("</dl>\n");
    });
    page.0.push_str("</section>\n");
}
