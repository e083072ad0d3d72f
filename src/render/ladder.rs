//! A lesson's picture in characters.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use unicode_segmentation::UnicodeSegmentation;

use super::label::{Label, ellipsis};
use super::picture::{Bars, Fate, Ladder, Picture, Special, Step, What, last_end, milliseconds};
use super::{RenderOptions, columns_of};
use crate::vocabulary::SceneReport;

/// Columns of the time, with the blanks behind it.
const TIME: usize = 9;

/// Columns of a quotation that are enough where there is little room.
const SHORT_QUOTATION: usize = 9;

/// Most columns from one lane to the next.
const FARTHEST: usize = 40;

/// In fewer columns there is no room for lanes: a sentence for each step instead.
const LEAST_FOR_LANES: u16 = 40;

/// So many steps a ladder has even where there is no room for them.
const LEAST_STEPS: usize = 3;

/// What an arrow needs between its lanes besides its label: `── `, ` ─>` and the lane.
const SHAFT: usize = 7;

/// What is lost, truncated or refused: dark, so that it can be read on white as well. A cross or a word says the same.
const SPECIAL: Style = AnsiColor::Red.on_default();

/// The picture, each line at most as wide as `options` allow.
pub fn draw(picture: &Picture, options: RenderOptions) -> String {
    match picture {
        Picture::Ladder(ladder) => draw_ladder(ladder, options),
        Picture::Bars(scenes) => draw_bars(scenes, options),
    }
}

/// A row of cells, each for what a person takes for one character: a letter with its marks, a joined emoji. A wide one
/// fills two.
struct Canvas {
    cells: Vec<Cell>,
    options: RenderOptions,
}

#[derive(Clone, PartialEq, Eq)]
struct Cell {
    /// Empty where the one before it is wide.
    grapheme: String,
    is_special: bool,
}

impl Canvas {
    fn new(width: usize, options: RenderOptions) -> Self {
        Canvas { cells: vec![Cell { grapheme: " ".to_owned(), is_special: false }; width], options }
    }

    /// Writes `text` from column `x` on, as far as there is room before column `end`.
    fn put(&mut self, x: usize, end: usize, text: &str) {
        self.write(x, end, text, false);
    }

    /// The same for what is special.
    fn put_special(&mut self, x: usize, end: usize, text: &str) {
        self.write(x, end, text, true);
    }

    fn write(&mut self, x: usize, end: usize, text: &str, is_special: bool) {
        let room = end.min(self.cells.len()).saturating_sub(x);
        let fits = columns_of(text) <= room;
        let last = (x + room).saturating_sub(usize::from(!fits));
        let mut column = x;
        for grapheme in text.graphemes(true) {
            let width = columns_of(grapheme);
            if column + width > last {
                break;
            }
            match (width, column.checked_sub(1)) {
                // A vowel of Hangul that stands alone: terminals draw it into the cell before.
                (0, Some(before)) => self.cells[before].grapheme.push_str(grapheme),
                (0, None) => {}
                _ => {
                    self.cells[column] = Cell { grapheme: grapheme.to_owned(), is_special };
                    self.cells[column + 1..column + width].fill(Cell { grapheme: String::new(), is_special });
                }
            }
            column += width;
        }
        if !fits && column < x + room {
            self.cells[column] = Cell { grapheme: ellipsis(self.options).to_string(), is_special };
        }
    }

    fn line(&self) -> String {
        let is_blank = |cell: &Cell| cell.grapheme == " ";
        let used = self.cells.iter().rposition(|cell| !is_blank(cell)).map_or(0, |last| last + 1);
        let mut line = String::new();
        for cells in self.cells[..used].chunk_by(|one, next| one.is_special == next.is_special) {
            let text: String = cells.iter().map(|cell| &*cell.grapheme).collect();
            match cells[0].is_special {
                true => line.push_str(&format!("{SPECIAL}{text}{SPECIAL:#}")),
                false => line.push_str(&text),
            }
        }
        line + "\n"
    }
}

/// The next rows of a ladder that grows, with its header where it begins.
pub fn grow(ladder: &Ladder, header: bool, options: RenderOptions) -> String {
    let width = drawn_width(options);
    if options.width < LEAST_FOR_LANES {
        return sentences(ladder, options);
    }
    // What is still to be written there is not known.
    rows(ladder, &columns(ladder, width / 3, width), header, options)
}

/// The brief picture of a scene, in no more than so many lines, if that can be.
pub(super) fn brief(scene: &SceneReport, lines: usize, options: RenderOptions) -> Option<String> {
    let draw_in = |steps| Picture::brief(scene, steps, LEAST_STEPS).map(|picture| draw(&picture, options));
    let steps = lines.saturating_sub(1);
    let drawn = draw_in(steps)?;
    // Long names make a header of several lines.
    match drawn.lines().count().saturating_sub(lines) {
        _ if steps <= LEAST_STEPS => Some(drawn),
        0 => Some(drawn),
        over => draw_in(steps.saturating_sub(over)),
    }
}

fn sentences(ladder: &Ladder, options: RenderOptions) -> String {
    ladder.in_words().map(|step| options.wrap(&step, "  ") + "\n").collect()
}

fn draw_ladder(ladder: &Ladder, options: RenderOptions) -> String {
    if options.width < LEAST_FOR_LANES {
        return sentences(ladder, options);
    }
    let width = drawn_width(options);
    rows(ladder, &columns(ladder, right(ladder, options), width), true, options)
}

fn drawn_width(options: RenderOptions) -> usize {
    usize::from(options.width.min(100))
}

/// The columns to the right of the last lane, where its own marks are written: what they need, as far as the arrows
/// have no use for it, or else a third of the width at most.
fn right(ladder: &Ladder, options: RenderOptions) -> usize {
    let last = ladder.lanes.len().saturating_sub(1);
    let width = drawn_width(options);
    let name = |lane: usize| ladder.lanes.get(lane).map_or(0, |name| columns_of(&options.text(name)));
    let marks = ladder.steps.iter().map(|step| beside(step, last, options));
    let wanted = marks.max().unwrap_or(0).max(name(last)).max(8);
    let names = (0..last).map(|lane| name(lane) + 1).max().unwrap_or(0);
    let free = |quoted| {
        let between = ladder.steps.iter().map(|step| between(step, last, quoted, options));
        width.saturating_sub(TIME + last * between.max().unwrap_or(0).max(names).min(FARTHEST))
    };
    if free(usize::MAX) < wanted { wanted.min(free(SHORT_QUOTATION).max(width / 3)) } else { wanted }
}

/// The columns that a step takes between two lanes, with a quotation of so many columns at most.
fn between(step: &Step, last: usize, quoted: usize, options: RenderOptions) -> usize {
    match &step.what {
        What::Sent { to, label, fate } => {
            let lost_here = if *fate == Fate::Lost && *to < step.lane { LOST.len() } else { 0 };
            (label.width(quoted, options) + SHAFT + lost_here).div_ceil(to.abs_diff(step.lane).max(1))
        }
        What::Mark { label, special } if step.lane != last => label.width(quoted, options) + margin(*special),
        _ if step.lane == last => 0,
        _ => beside(step, step.lane, options),
    }
}

/// What a mark needs besides its label.
fn margin(special: Option<Special>) -> usize {
    if special.is_some() { 5 } else { 3 }
}

/// The columns that a step takes from `lane` on to the right.
fn beside(step: &Step, lane: usize, options: RenderOptions) -> usize {
    match &step.what {
        What::Sent { to, fate: Fate::Lost, .. } if *to == lane && step.lane < lane => "lost".len() + 3,
        What::Mark { label, special } if step.lane == lane => label.width(usize::MAX, options) + margin(*special),
        What::More(left_out) if step.lane == lane => left_out.to_string().len() + 3,
        What::Sent { .. } | What::Mark { .. } | What::More(_) => 0,
    }
}

/// Where the lanes stand, with `right` columns behind the last one.
fn columns(ladder: &Ladder, right: usize, width: usize) -> Vec<usize> {
    let last = ladder.lanes.len().saturating_sub(1);
    let spacing = width.saturating_sub(TIME + right).checked_div(last).unwrap_or(0).min(FARTHEST);
    (0..ladder.lanes.len()).map(|lane| TIME + lane * spacing).collect()
}

fn rows(ladder: &Ladder, columns: &[usize], with_header: bool, options: RenderOptions) -> String {
    let mut text = String::new();
    if with_header {
        text.push_str(&header(ladder, columns, options));
    }
    for row in ladder.rows() {
        text.push_str(&draw_row(row, columns, options).line());
    }
    text
}

/// The names of the lanes, each above its own: one that is wider goes on below.
fn header(ladder: &Ladder, columns: &[usize], options: RenderOptions) -> String {
    let width = drawn_width(options);
    let names = ladder.lanes.iter().enumerate().map(|(lane, name)| {
        let room = end_of(columns, lane).min(width).saturating_sub(columns[lane]).max(1);
        let whole_words = textwrap::Options::new(room).break_words(false);
        let name = options.text(name);
        let lines = textwrap::wrap(&name, whole_words);
        lines.into_iter().map(Cow::into_owned).collect::<Vec<_>>()
    });
    let names: Vec<Vec<String>> = names.collect();
    let height = names.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for line in 0..height {
        let mut header = Canvas::new(width, options);
        if line + 1 == height {
            header.put(TIME - 4, TIME, "ms");
        }
        for (lane, name) in names.iter().enumerate() {
            // The last lines stand side by side, above the lanes.
            if let Some(part) = (line + name.len()).checked_sub(height).and_then(|line| name.get(line)) {
                header.put(columns[lane], end_of(columns, lane), part);
            }
        }
        text.push_str(&header.line());
    }
    text
}

/// The column before the next lane; the last lane has all that is left.
fn end_of(columns: &[usize], lane: usize) -> usize {
    columns.get(lane + 1).map_or(usize::MAX, |next| next - 1)
}

/// A row with its steps, and the time of the first.
fn draw_row(steps: &[Step], columns: &[usize], options: RenderOptions) -> Canvas {
    let width = drawn_width(options);
    let mut canvas = Canvas::new(width, options);
    let lane_line = if options.ascii { "|" } else { "│" };
    columns.iter().for_each(|column| canvas.put(*column, width, lane_line));
    if let Some(first) = steps.first().filter(|step| !matches!(step.what, What::More(_))) {
        let time = milliseconds(first.at);
        canvas.put((TIME - 2).saturating_sub(time.len()), TIME, &time);
    }
    steps.iter().for_each(|step| draw_step(&mut canvas, step, columns));
    canvas
}

fn draw_step(canvas: &mut Canvas, step: &Step, columns: &[usize]) {
    let options = canvas.options;
    let width = drawn_width(options);
    let (branch, cross) = if options.ascii { ("+", "x ") } else { ("├", "✗ ") };
    let (own, end) = (columns[step.lane], end_of(columns, step.lane).min(width));
    match &step.what {
        What::More(left_out) => {
            let text = left_out.to_string();
            // All of it can be read, even where that costs a lane's line.
            let start = (own + 2).min(width.saturating_sub(text.len()));
            match left_out.special() {
                Some(_) => canvas.put_special(start, width, &text),
                None => canvas.put(start, width, &text),
            }
        }
        What::Mark { label, special } => {
            canvas.put(own, width, branch);
            let cross = if special.is_some() { cross } else { "" };
            let needed = label.least_width(*special, options) + cross.chars().count();
            // The call that failed and what came of it can be read, even where that costs the lines of other lanes.
            let (start, end) = match own + 2 + needed > end {
                true => ((own + 2).min(width.saturating_sub(needed)).max(TIME), width),
                false => (own + 2, end),
            };
            let label = label.within(end.saturating_sub(start + cross.chars().count()), options);
            match special {
                Some(_) => canvas.put_special(start, end, &format!("{cross}{label}")),
                None => canvas.put(start, end, &label),
            }
        }
        What::Sent { to, label, fate } => {
            draw_arrow(canvas, (own, columns[*to]), *fate, label);
            if *fate == Fate::Lost && *to > step.lane {
                canvas.put_special(columns[*to] + 2, end_of(columns, *to), "lost");
            }
        }
    }
}

/// An arrow from one column to another, with its label in it. A lost one ends in a cross; to the left, the word stands
/// within it. One of unknown fate has gaps, and ends in a question mark.
fn draw_arrow(canvas: &mut Canvas, (from, to): (usize, usize), fate: Fate, label: &Label) {
    let options = canvas.options;
    let (left, right) = (from.min(to) + 1, from.max(to));
    let (shaft, cross) = match (fate, options.ascii) {
        (_, true) => ("-", "x"),
        (Fate::Unknown, false) => ("╌", "✗"),
        (Fate::Arrived | Fate::Lost, false) => ("─", "✗"),
    };
    canvas.put(left, right, &shaft.repeat(right.saturating_sub(left)));
    let is_lost_here = fate == Fate::Lost && to < from;
    if is_lost_here {
        canvas.put_special(left + 1, right, LOST);
    }
    let start = left + if is_lost_here { 1 + LOST.len() } else { 2 };
    // A blank on either side, and the end of the arrow.
    let room = right.saturating_sub(start + 4);
    if room > 0 {
        canvas.put(start, right - 2, &format!(" {} ", label.within(room, options)));
    }
    let head = if to > from { right - 1 } else { left };
    match fate {
        Fate::Lost => canvas.put_special(head, right, cross),
        Fate::Unknown => canvas.put(head, right, "?"),
        Fate::Arrived => canvas.put(head, right, if to > from { ">" } else { "<" }),
    }
}

/// Within an arrow to the left, behind the cross.
const LOST: &str = " lost";

fn draw_bars(scenes: &[Bars], options: RenderOptions) -> String {
    let width = usize::from(options.width.min(100));
    let bars = || scenes.iter().flat_map(|scene| scene.bars.iter().flatten());
    let name = bars().map(|bar| columns_of(&bar.client)).max().unwrap_or(0) + 1;
    let last = last_end(scenes);
    let axis = width.saturating_sub(name + 11);
    let place = |time: Duration| (time.as_secs_f64() / last * axis as f64).round() as usize;
    let block = if options.ascii { "#" } else { "█" };
    let mut text = String::new();
    for scene in scenes {
        text.push_str(&(options.wrap(&format!("{}:", scene.caption()), "") + "\n"));
        for bar in &scene.bars {
            let mut canvas = Canvas::new(width, options);
            match bar {
                None => canvas.put(0, width, &format!("({} more)", scene.left_out)),
                Some(bar) => {
                    canvas.put(0, name, &options.text(&bar.client));
                    let (from, to) = (place(bar.began), place(bar.ended).max(place(bar.began) + 1));
                    canvas.put(name + from, width, &block.repeat(to - from));
                    canvas.put(name + to + 1, width, &format!("{:.1}", bar.ended.as_secs_f64() * 1000.0));
                }
            }
            text.push_str(&canvas.line());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Detail;
    use super::super::label::samples;
    use super::*;

    fn options(width: u16, ascii: bool) -> RenderOptions {
        RenderOptions { width, ascii, ladder: true, why: false, detail: Detail::Answer, byte_order_mark: false }
    }

    fn plain(ladder: &Ladder, options: RenderOptions) -> String {
        anstream::adapter::strip_str(&draw_ladder(ladder, options)).to_string()
    }

    fn ladder(lanes: usize, steps: Vec<Step>) -> Ladder {
        let name = |lane| if lane == 0 { "client".to_owned() } else { format!("server {lane}") };
        Ladder { title: String::new(), lanes: (0..lanes).map(name).collect(), steps, joined: false }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_ladder_of_any_width_stays_within_it(
            (lanes, steps) in (1_usize..5).prop_flat_map(|lanes| (Just(lanes), samples::steps(lanes, 8))),
            width in 20_u16..200,
            ascii: bool,
        ) {
            let text = plain(&ladder(lanes, steps.clone()), options(width, ascii));
            prop_assert!(text.lines().count() >= steps.len(), "{}", text);
            for line in text.lines() {
                prop_assert!(columns_of(line) <= usize::from(width), "{}", line);
                prop_assert!(!ascii || line.is_ascii(), "{}", line);
            }
        }

        #[test]
        fn what_is_special_has_room_on_a_projector(
            steps in samples::steps(2, 8), width in 60_u16..130, ascii: bool,
        ) {
            let text = plain(&ladder(2, steps.clone()), options(width, ascii));
            for (line, step) in text.lines().skip(1).zip(&steps) {
                let word = match step.special() {
                    Some(Special::Lost) => "lost",
                    Some(Special::Truncated) => ", truncated",
                    Some(Special::Failed) => "ECONNREFUSED",
                    None => continue,
                };
                prop_assert!(line.contains(word), "{} is not in {}", word, line);
            }
        }
    }

    #[test]
    fn what_failed_is_read_with_its_call_and_a_long_name_in_full_where_lanes_are_narrow() {
        let failed = What::Mark { label: samples::label("bind", None, "EADDRINUSE"), special: Some(Special::Failed) };
        let lanes = ["client", "second server", "third server", "unconnected client"].map(str::to_owned).to_vec();
        let steps = vec![Step { at: Duration::from_millis(1), lane: 0, what: failed }];
        let text = plain(&Ladder { title: String::new(), lanes, steps, joined: false }, options(60, false));
        assert!(text.contains("✗ bind: EADDRINUSE"), "{text}");
        for word in ["client", "second", "third", "unconnected"] {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }

    #[test]
    fn every_script_leaves_the_lanes_where_they_are() {
        let texts = [
            "नमस्ते",
            "re\u{301}sume\u{301}",
            "❤\u{fe0f}",
            "👩\u{200d}👩\u{200d}👧 👍🏽 🇮🇳",
            "\u{1112}\u{1161}\u{11ab}",
            "六",
            "\u{1161}",
        ];
        for (payload, shows_all) in
            texts.into_iter().flat_map(|text| [(text.to_owned(), true), (text.repeat(9), false)])
        {
            let what = What::Sent {
                to: 1,
                label: samples::label("sendto", Some(payload.as_bytes()), ""),
                fate: Fate::Arrived,
            };
            let text = plain(&ladder(2, vec![Step { at: Duration::ZERO, lane: 0, what }]), options(60, false));
            let (header, row) = text.split_once('\n').unwrap();
            assert!(!shows_all || row.contains(&format!("\"{payload}\"")), "{row}");
            let column = |line: &str, what| columns_of(&line[..line.rfind(what).unwrap()]);
            assert_eq!(column(row, "│"), column(header, "server"), "{text}");
        }
    }

    #[test]
    fn what_is_lost_on_its_way_to_the_left_leaves_its_label() {
        let what = What::Sent { to: 0, label: samples::label("sendto", Some(b"an answer"), ""), fate: Fate::Lost };
        let step = Step { at: Duration::from_millis(1), lane: 1, what };
        let text = plain(&ladder(2, vec![step]), options(60, false));
        assert!(text.contains(r#"│✗ lost sendto: "an answer" ─"#), "{text}");
    }

    #[test]
    fn what_is_special_is_red_and_nothing_else() {
        let step = |what| Step { at: Duration::from_millis(1), lane: 0, what };
        let label = || samples::label("sendto", Some(b"x"), "");
        let sent = |fate| step(What::Sent { to: 1, label: label(), fate });
        let of = |step| draw_ladder(&ladder(2, vec![step]), options(60, false));
        assert!(![Fate::Arrived, Fate::Unknown].into_iter().any(|fate| of(sent(fate)).contains('\u{1b}')));
        let red = |text: &str| format!("{SPECIAL}{text}{SPECIAL:#}");
        let lost = of(sent(Fate::Lost));
        assert!(lost.contains(&format!("{}│ {}", red("✗"), red("lost"))), "{lost}");
        let truncated = of(step(samples::truncated(b"x")));
        assert!(truncated.contains(&red(r#"✗ recvfrom: "x", truncated"#)), "{truncated}");
    }
}
