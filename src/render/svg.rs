//! A lesson's picture as SVG inside a page, which has the colours and the letters.

use textwrap::core::display_width;

use super::markup::{Page, Text};
use super::picture::{Bars, Fate, Ladder, Step, What, last_end, milliseconds};

/// Width of a character; the page sets them in a fixed width that is a little less.
const CHARACTER: usize = 9;

/// Height of a row.
const ROW: usize = 28;

/// From an arrow up to the middle of the words on it: a line through the blanks between them would read as a dash.
const ABOVE: usize = 9;

/// From the left edge to the first lane: the room for times.
const TIMES: usize = 84;

/// Fewest and most characters between two lanes; a longer mark runs on across the next lane.
const BETWEEN: std::ops::RangeInclusive<usize> = 24..=32;

/// Length of the longest bar.
const AXIS: usize = 420;

/// Opens a picture; the words in it are not for those who hear the page: the same follows as a list.
fn open(page: &mut Page, width: usize, height: usize, title: &str) {
    let label = Text(title);
    page.add(format_args!("<svg role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {width} {height}\" "));
    page.add(format_args!("width=\"{width}\" height=\"{height}\">\n"));
}

/// Text with its middle line at `y`.
fn text(page: &mut Page, (x, y): (usize, usize), class: &str, text: &str) {
    page.add(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{}\">{}</text>\n", y + 5, Text(text)));
}

/// Who sent what to whom, with so many empty rows below it.
pub(super) fn ladder(page: &mut Page, ladder: &Ladder, room: usize) {
    let last = ladder.lanes.len().saturating_sub(1);
    let between = between(ladder) * CHARACTER;
    let lane = |number: usize| TIMES + number * between;
    let marks = ladder.steps.iter().map(|step| mark_width(step, last)).max().unwrap_or(0);
    let name = ladder.lanes.last().map_or(0, |name| display_width(name));
    let height = (ladder.steps.len() + 1 + room) * ROW + ROW / 2;
    open(page, lane(last) + marks.max(name).max(8) * CHARACTER, height, &ladder.title);
    text(page, (TIMES - 12, ROW / 2), "time", "ms");
    for (number, name) in ladder.lanes.iter().enumerate() {
        text(page, (lane(number), ROW / 2), "lane", name);
        page.add(format_args!("<path class=\"lane\" d=\"M{} {ROW}V{height}\"/>\n", lane(number)));
    }
    for (step, row) in ladder.steps.iter().zip(1..) {
        draw_step(page, step, lane, row * ROW + ROW / 2);
    }
    page.0.push_str("</svg>\n");
}

/// Characters between two lanes: what is sent fits its arrow.
fn between(ladder: &Ladder) -> usize {
    let last = ladder.lanes.len().saturating_sub(1);
    let steps = ladder.steps.iter().map(|step| match &step.what {
        What::Sent { to, label, .. } => (display_width(&label.to_string()) + 8) / to.abs_diff(step.lane).max(1),
        What::Mark { .. } | What::More(_) if step.lane == last => 0,
        What::Mark { .. } | What::More(_) => mark_width(step, step.lane),
    });
    let names = ladder.lanes.iter().map(|name| display_width(name) + 2);
    steps.chain(names).max().unwrap_or(0).clamp(*BETWEEN.start(), *BETWEEN.end())
}

/// The room that a step takes to the right of `lane`, in characters.
fn mark_width(step: &Step, lane: usize) -> usize {
    match &step.what {
        What::Sent { to, fate: Fate::Lost, .. } if *to == lane => "lost".len() + 2,
        What::Mark { label, special } if step.lane == lane => {
            display_width(&label.to_string()) + if special.is_some() { 4 } else { 2 }
        }
        What::More(left_out) if step.lane == lane => left_out.to_string().len() + 2,
        What::Sent { .. } | What::Mark { .. } | What::More(_) => 0,
    }
}

fn draw_step(page: &mut Page, step: &Step, lane: impl Fn(usize) -> usize, y: usize) {
    let own = lane(step.lane);
    if !matches!(step.what, What::More(_)) {
        text(page, (TIMES - 12, y), "time", &milliseconds(step.at));
    }
    match &step.what {
        What::More(left_out) => {
            let class = if left_out.special().is_some() { "bad" } else { "" };
            text(page, (own + 10, y), class, &left_out.to_string());
        }
        What::Mark { label, special } => {
            page.add(format_args!("<path d=\"M{own} {y}h7\"/>\n"));
            let (class, cross) = if special.is_some() { ("bad", "✗ ") } else { ("", "") };
            text(page, (own + 10, y), class, &format!("{cross}{label}"));
        }
        What::Sent { to, label, fate } => {
            let other = lane(*to);
            arrow(page, own, other, y, *fate);
            text(page, (own.midpoint(other), y - ABOVE), "sent", &label.to_string());
        }
    }
}

/// An arrow with a point; a lost one ends in a cross on its way, and one of unknown fate in a question mark.
fn arrow(page: &mut Page, from: usize, to: usize, y: usize, fate: Fate) {
    let back = if to > from { -1 } else { 1 };
    let end = |distance: isize| to.saturating_add_signed(back * distance);
    let broken =
        |page: &mut Page, end: usize| page.add(format_args!("<path class=\"lost\" d=\"M{from} {y}H{end}\"/>\n"));
    match fate {
        Fate::Arrived => {
            let (end, back) = (end(2), back * 8);
            page.add(format_args!("<path d=\"M{from} {y}H{end}m{back}-5L{end} {y}l{back} 5\"/>\n"));
        }
        Fate::Lost => {
            let end = end(10);
            broken(page, end);
            page.add(format_args!("<path class=\"bad\" d=\"M{end} {y}m-5-5l10 10m-10 0l10-10\"/>\n"));
            text(page, (to + 10, y), "bad", "lost");
        }
        Fate::Unknown => {
            broken(page, end(20));
            text(page, (end(10), y), "unknown", "?");
        }
    }
}

/// Who was served when, on the time axis of all `scenes`.
pub(super) fn bars(page: &mut Page, scene: &Bars, scenes: &[Bars]) {
    let all = || scenes.iter().flat_map(|scene| scene.bars.iter().flatten());
    let name = (all().map(|bar| display_width(&bar.client)).max().unwrap_or(0) + 1) * CHARACTER;
    let last = last_end(scenes);
    open(page, name + AXIS + 9 * CHARACTER, scene.bars.len() * ROW, &scene.title);
    for (bar, row) in scene.bars.iter().zip(0..) {
        let y = row * ROW + ROW / 2;
        let Some(bar) = bar else {
            text(page, (0, y), "", &format!("({} more)", scene.left_out));
            continue;
        };
        let place = |time: std::time::Duration| (time.as_secs_f64() / last * AXIS as f64).round() as usize;
        let (from, to) = (place(bar.began), place(bar.ended).max(place(bar.began) + 1));
        text(page, (0, y), "", &bar.client);
        let (x, width, top) = (name + from, to - from, y - 9);
        page.add(format_args!("<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"18\"/>\n"));
        text(page, (name + to + 8, y), "", &format!("{:.1}", bar.ended.as_secs_f64() * 1000.0));
    }
    page.0.push_str("</svg>\n");
}
